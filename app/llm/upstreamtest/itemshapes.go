package upstreamtest

import (
	"fmt"
	"strings"

	"studysharper/app/study"
)

// itemShapes change the items of an answer.
var itemShapes = map[string]shape{
	"front_back": each(func(c object) {
		rename(c, "question", "front")
		rename(c, "answer", "back")
		delete(c, "topic")
		delete(c, "difficulty")
	}, func(c object) { c["topic"] = "General" }),
	"points_strings": each(func(q object) { q["points"] = fmt.Sprint(q["points"]) }, nil),
	"points_missing": each(func(q object) { delete(q, "points") }, func(q object) {
		q["points"] = map[string]int{study.MultipleChoice: 10, study.TrueFalse: 5, study.ShortAnswer: 10}[q["type"].(string)]
	}),
	"answer_letter":      ofChoice(func(q object) { q["correct_answer"] = "A" }),
	"answer_letter_text": ofChoice(func(q object) { q["correct_answer"] = "A) The stroma" }),
	"answer_variant":     ofChoice(func(q object) { q["correct_answer"] = "the stroma. " }),
	"options_object": ofChoice(func(q object) {
		lettered := object{}
		for i, option := range q["options"].([]any) {
			lettered[string(rune('A'+i))] = option
		}
		q["options"] = lettered
	}),
	"tf_string": each(func(q object) {
		if q["type"] == study.TrueFalse {
			q["correct_answer"] = "True"
		}
	}, nil),
	"type_names": each(func(q object) {
		q["type"] = map[string]string{study.MultipleChoice: "mcq", study.TrueFalse: "true/false", study.ShortAnswer: "short answer"}[q["type"].(string)]
	}, nil),
	"short_correct_answer": each(func(q object) {
		if q["type"] == study.ShortAnswer {
			delete(q, "acceptable_answers")
			delete(q, "sample_answer")
			q["correct_answer"] = "Green light"
		}
	}, func(q object) {
		if q["acceptable_answers"] != nil {
			q["acceptable_answers"] = []any{"Green light"}
		}
	}),
	"exam_sum_97": each(func(q object) { q["points"] = q["points"].(float64) - 1 }, nil),
	"plan_words": each(func(s object) {
		s["minutes"] = "30 minutes"
		if s["day"] == 1.0 {
			s["day"] = "Day 1"
		}
	}, nil),
	"fewer":        resized(func(list []any) []any { return list[:2] }),
	"more":         more,
	"one_bad_item": oneBad,
}

// each changes each item; want, if not nil, changes the items of the expected answer.
func each(change, want func(object)) shape {
	apply := func(t study.Type, good string, change func(object)) string {
		if change == nil {
			return good
		}
		o := decode(good)
		list, _ := itemsOf(t, o)
		for _, item := range list {
			change(item.(object))
		}
		return encode(o)
	}
	return func(t study.Type, good string) (string, string) { return apply(t, good, change), apply(t, good, want) }
}

func ofChoice(change func(object)) shape {
	return each(func(q object) {
		if q["type"] == study.MultipleChoice {
			change(q)
		}
	}, nil)
}

func rename(o object, from, to string) {
	o[to] = o[from]
	delete(o, from)
}

// resized changes the list of items, in the answer and in the expected answer.
func resized(change func([]any) []any) shape {
	return func(t study.Type, good string) (string, string) {
		o := decode(good)
		list, set := itemsOf(t, o)
		set(change(list))
		return encode(o), encode(o)
	}
}

// more adds two items to the requested ones.
func more(t study.Type, good string) (text, want string) {
	o := decode(good)
	list, set := itemsOf(t, o)
	for i := range 2 {
		extra := object{}
		for key, value := range list[len(list)-1].(object) {
			extra[key] = value
		}
		for _, key := range []string{"question", "topic", "point"} {
			if said, ok := extra[key].(string); ok {
				extra[key] = strings.Repeat("More ", i+1) + said
			}
		}
		list = append(list, extra)
	}
	set(list)
	return encode(o), good
}

// oneBad empties the texts of the last item.
func oneBad(t study.Type, good string) (text, want string) {
	o := decode(good)
	list, set := itemsOf(t, o)
	set(list[:len(list)-1])
	want = encode(o)
	set(list)
	bad := list[len(list)-1].(object)
	for _, key := range []string{"question", "answer", "topic", "point"} {
		if _, ok := bad[key]; ok {
			bad[key] = ""
		}
	}
	return encode(o), want
}
