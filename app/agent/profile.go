package agent

import (
	"context"

	"studysharper/app/study"
)

// manyThreshold is from how many on a student has many of an aid. Exact numbers would help
// nobody, and keep students from sharing an answer.
const manyThreshold = 6

// needsPreferences reports whether the student's preferences can make a difference.
func (r *run) needsPreferences() bool {
	return r.req.Prefers("difficulty") || r.req.Prefers("length") || isConversational(r.req.Type)
}

// isConversational reports whether a type says as much as the student likes, without an option for it.
func isConversational(t study.Type) bool { return t == study.Chat || t == study.Analysis }

// preferencesPart is the student's preferences: the difficulty, and how much is to be said.
func (r *run) preferencesPart() cachedPart {
	return cachedPart{needed: r.needsPreferences(), resource: ResourcePreferences, read: func(ctx context.Context) ([]string, error) {
		p, err := r.Store.Preferences(ctx, r.req.UserID)
		return []string{p.Difficulty, p.Detail}, err
	}}
}

// preferencesOf reads a profile; one that could not be had is empty.
func preferencesOf(profile []string) study.Preferences {
	if len(profile) != 2 {
		return study.Preferences{}
	}
	return study.Preferences{Difficulty: profile[0], Detail: profile[1]}
}

// detail is how much the student likes to be said, where that is not an option. The middle
// is what everyone gets.
func (r *run) detail(p study.Preferences) string {
	if isConversational(r.req.Type) && (p.Detail == study.Short || p.Detail == study.Long) {
		return p.Detail
	}
	return ""
}

// needsProgress reports whether it matters what the student has made so far.
func (r *run) needsProgress() bool { return r.req.Type == study.Plan || r.req.Type == study.Analysis }

// progressPart is which aids the student has, and roughly how many.
func (r *run) progressPart() cachedPart {
	return cachedPart{needed: r.needsProgress(), resource: ResourceAids, read: func(ctx context.Context) ([]string, error) {
		counts, err := r.Store.ContentStats(ctx, r.req.UserID)
		return describeCounts(counts), err
	}}
}

// describeCounts tells the counts in the order of the types.
func describeCounts(counts map[study.Type]int) (list []string) {
	for _, t := range study.Types() {
		name, listed := study.ContentTypes()[t]
		switch n := counts[t]; {
		case !listed || n <= 0:
		case n < manyThreshold:
			list = append(list, "a few "+name)
		default:
			list = append(list, "many "+name)
		}
	}
	return list
}
