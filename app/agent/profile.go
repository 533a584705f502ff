package agent

import (
	"context"
	"slices"
	"strings"

	"studysharper/app/study"
)

// manyThreshold is the number of aids from which on a student has "many". An exact number
// would not help, and would keep students from sharing an answer.
const manyThreshold = 6

// isConversational reports whether a type takes its length from the student's preferences
// without an option for it.
func isConversational(t study.Type) bool { return t == study.Chat || t == study.Analysis }

// preferencesPart is the student's difficulty and level of detail.
func (c *contextReader) preferencesPart() cachedPart {
	needed := c.req.Prefers("difficulty") || c.req.Prefers("length") || isConversational(c.req.Type)
	return cachedPart{needed: needed, resource: ResourcePreferences, read: func(ctx context.Context) ([]string, error) {
		p, err := c.deps.Store.Preferences(ctx, c.req.UserID)
		return []string{p.Difficulty, p.Detail}, err
	}}
}

// preferencesOf decodes preferencesPart; a part that could not be read has none.
func preferencesOf(profile []string) study.Preferences {
	if len(profile) != 2 {
		return study.Preferences{}
	}
	return study.Preferences{Difficulty: profile[0], Detail: profile[1]}
}

// detail is the preferred length for a type that has no option for it. Medium is the default.
func detail(t study.Type, p study.Preferences) string {
	if isConversational(t) && (p.Detail == study.Short || p.Detail == study.Long) {
		return p.Detail
	}
	return ""
}

// progressPart is the kinds of aids that the student has, and roughly how many.
func (c *contextReader) progressPart() cachedPart {
	needed := c.req.Type == study.Plan || c.req.Type == study.Analysis
	return cachedPart{needed: needed, resource: ResourceAids, read: func(ctx context.Context) ([]string, error) {
		counts, err := c.deps.Store.ContentStats(ctx, c.req.UserID)
		return describeCounts(counts), err
	}}
}

// weakPart is the topics on which the student did badly, unless the request names its own.
func (c *contextReader) weakPart() cachedPart {
	o := c.req.Options
	needed := c.req.Type != study.Chat && c.req.Type != study.Summary && o.Topic == "" && len(o.FocusAreas) == 0
	return cachedPart{needed: needed, resource: ResourceAttempts, read: func(ctx context.Context) ([]string, error) {
		return c.deps.Store.WeakTopics(ctx, c.req.UserID)
	}}
}

// weakIn are the weak topics that a brief's material has as a title or in its text; all of them without material.
// Students who are weak elsewhere thus share answers with those who are not.
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

// describeCounts puts the counts into words, in the order of the types. Plans and analyses are not built on, and to count
// them would keep a request for another one from the cache.
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
