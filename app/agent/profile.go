package agent

import (
	"context"
	"slices"
	"strings"

	"studysharper/app/study"
)

// manyThreshold is the number of aids that counts as "many". An exact number would not help and would prevent students
// from sharing an answer.
const manyThreshold = 6

// isConversational reports whether the length of a type comes from the student's preferences, because the type has no
// option for it.
func isConversational(t study.Type) bool { return t == study.Chat || t == study.Analysis }

// preferencesPart returns the student's preferred difficulty and level of detail.
func (c *contextReader) preferencesPart() cachedPart {
	needed := c.req.Prefers("difficulty") || c.req.Prefers("length") || isConversational(c.req.Type)
	return cachedPart{needed: needed, resource: ResourcePreferences, read: func(ctx context.Context) ([]string, error) {
		p, err := c.deps.Store.Preferences(ctx, c.req.UserID)
		return []string{p.Difficulty, p.Detail}, err
	}}
}

// preferencesOf decodes preferencesPart. A part that could not be read has no preferences.
func preferencesOf(profile []string) study.Preferences {
	if len(profile) != 2 {
		return study.Preferences{}
	}
	return study.Preferences{Difficulty: profile[0], Detail: profile[1]}
}

// detail returns the preferred length for a type that has no option for it, or "" for the default, medium.
func detail(t study.Type, p study.Preferences) string {
	if isConversational(t) && (p.Detail == study.Short || p.Detail == study.Long) {
		return p.Detail
	}
	return ""
}

// progressPart returns the kinds of aids that the student has, and roughly how many of each.
func (c *contextReader) progressPart() cachedPart {
	needed := c.req.Type == study.Plan || c.req.Type == study.Analysis
	return cachedPart{needed: needed, resource: ResourceAids, read: func(ctx context.Context) ([]string, error) {
		counts, err := c.deps.Store.ContentStats(ctx, c.req.UserID)
		return describeCounts(counts), err
	}}
}

// weakPart returns the topics of the student's poor results, unless the request names its own topic.
func (c *contextReader) weakPart() cachedPart {
	o := c.req.Options
	needed := c.req.Type != study.Chat && c.req.Type != study.Summary && o.Topic == "" && len(o.FocusAreas) == 0
	return cachedPart{needed: needed, resource: ResourceAttempts, read: func(ctx context.Context) ([]string, error) {
		return c.deps.Store.WeakTopics(ctx, c.req.UserID)
	}}
}

// weakIn returns the weak topics that occur in a title or the text of a brief's material; all of them if there is no
// material. Students whose weak topics are elsewhere can thus share answers with students who have none.
func weakIn(topics []string, b study.Brief) []string {
	if len(topics) == 0 || b.Material == "" && len(b.Documents) == 0 {
		return topics
	}
	texts := []string{strings.ToLower(b.Material)}
	for _, d := range b.Documents {
		if texts = append(texts, strings.ToLower(d.Title), strings.ToLower(d.Section)); b.Material == "" {
			texts = append(texts, strings.ToLower(d.Text))
		}
	}
	return slices.DeleteFunc(slices.Clone(topics), func(topic string) bool {
		return !slices.ContainsFunc(texts, func(text string) bool { return strings.Contains(text, strings.ToLower(topic)) })
	})
}

// describeCounts describes the counts in words, in the order of the types. Plans and analyses are left out: answers do
// not build on them, and counting them would keep the next one from being found in the cache.
func describeCounts(counts map[study.Type]int) (list []string) {
	for _, t := range study.Types() {
		name, listed := study.ContentTypes()[t]
		switch n := counts[t]; {
		case !listed || n <= 0 || t == study.Plan || t == study.Analysis:
		case n < manyThreshold:
			list = append(list, "a few "+name)
		default:
			list = append(list, "many "+name)
		}
	}
	return list
}
