package parse

import (
	"slices"
	"strconv"
	"strings"

	apptext "studysharper/app/text"
)

func session(s map[string]any) {
	rename(s, "day", "topic", "activities")
	if hours, ok := s["duration_hours"].(float64); ok {
		s["minutes"] = hours * minutesPerHour
	}
	rename(s, "minutes")
	minutes(s, "minutes")
	text(s, "topic")
	textList(s, "activities")
}

// countDays numbers the days of a plan. Days without a number (weekdays, dates) are numbered in their order; if numbers
// begin at 0, each is increased by one.
func countDays(sessions any) {
	list, _ := sessions.([]any)
	var labels []string
	days, numbered := make([]float64, len(list)), true
	for i, entry := range list {
		s := entry.(map[string]any) // itemsOf left only objects
		label := plainText(s["day"])
		n, ok := dayNumber(label)
		days[i], numbered = n, numbered && ok
		if at := slices.Index(labels, label); at < 0 || label == "" {
			labels = append(labels, label)
		}
	}
	first := 0.0
	if numbered && len(list) > 0 && days[0] == 0 {
		first = 1
	}
	for i, entry := range list {
		s := entry.(map[string]any)
		switch label := plainText(s["day"]); {
		case numbered:
			s["day"] = days[i] + first
		case label == "":
			s["day"] = float64(i + 1)
		default:
			s["day"] = float64(slices.Index(labels, label) + 1)
		}
	}
}

var (
	isDate   = apptext.Pattern(`\d{4}-\d{2}|\d{1,2}[./]\d{1,2}|\b\d{4}\b`)
	weeksDay = apptext.Pattern(`(?i)week\s*(\d+)\D+day\s*(\d+)`)
)

const daysPerWeek = 7

// dayNumber reads "Day 2", "two", "Second day" and "Week 2, day 1"; ok is false for a date or a weekday.
func dayNumber(label string) (n float64, ok bool) {
	if both := weeksDay().FindStringSubmatch(label); both != nil {
		week, _ := strconv.Atoi(both[1][:min(len(both[1]), 3)])
		day, _ := strconv.Atoi(both[2][:min(len(both[2]), 3)])
		return float64(max(week-1, 0)*daysPerWeek + day), true
	}
	if isDate().MatchString(label) {
		return 0, false
	}
	return firstNumber(label)
}

const minutesPerHour = 60

var (
	hoursSaid   = apptext.Pattern(`(\d{1,3}(?:[.,]\d{1,2})?)\s*(?:h|hr|hrs|hours?|std|stunden?)\b`)
	minutesSaid = apptext.Pattern(`(\d{1,4})\s*(?:m|min|mins|minutes?|minuten?)\b`)
	clockSaid   = apptext.Pattern(`^(\d{1,2}):(\d{2})$`)
	joined      = apptext.Pattern(`(\d)(h|hr|hrs)(\d)`)
)

// minutes converts the values of the fields to numbers of minutes, including texts such as "1 h 30 min".
func minutes(item map[string]any, fields ...string) {
	for _, field := range fields {
		if s, ok := item[field].(string); ok {
			if n := minutesOf(strings.ToLower(strings.TrimSpace(s))); n > 0 {
				item[field] = n
			}
		}
		number(item, field)
	}
}

// minutesOf parses a duration that contains hours or looks like a clock time. It returns 0 for any other text.
func minutesOf(s string) (n float64) {
	s = joined().ReplaceAllString(strings.TrimPrefix(s, "pt"), "$1$2 $3")
	if clock := clockSaid().FindStringSubmatch(s); clock != nil {
		h, _ := strconv.Atoi(clock[1]) // two digits
		m, _ := strconv.Atoi(clock[2])
		return float64(h*minutesPerHour + m)
	}
	switch {
	case strings.Contains(s, "half an hour"), strings.Contains(s, "half hour"):
		return minutesPerHour / 2
	case hoursSaid().MatchString(s):
		hours, _ := strconv.ParseFloat(strings.Replace(hoursSaid().FindStringSubmatch(s)[1], ",", ".", 1), 64)
		n = hours * minutesPerHour
	case strings.Contains(s, "hour"):
		word, _, _ := strings.Cut(s, "hour")
		hours, ok := firstNumber(word)
		if !ok {
			hours = 1 // "an hour"
		}
		n = hours * minutesPerHour
	default:
		return 0
	}
	if m := minutesSaid().FindStringSubmatch(s); m != nil {
		more, _ := strconv.Atoi(m[1]) // four digits
		n += float64(more)
	}
	return n
}
