package agent

import (
	"context"

	"studysharper/app/study"
)

// many is from how many on a student has many of an aid. Exact numbers would help
// nobody, and keep students from sharing an answer.
const many = 6

// wantsProfile reports whether the student's preferences can make a difference.
func (r *run) wantsProfile() bool {
	return r.req.Prefers("difficulty") || r.req.Prefers("length") || talks(r.req.Type)
}

// talks reports whether a type says as much as the student likes, without an option for it.
func talks(t study.Type) bool { return t == study.Chat || t == study.Analysis }

// profile is the student's preferences: the difficulty, and how much is to be said.
func (r *run) profile() memo {
	return memo{wanted: r.wantsProfile(), kept: KeptPreferences, read: func(ctx context.Context) ([]string, error) {
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

// detail is how much the student likes to be said, where that is no option. The middle
// is what everyone gets.
func (r *run) detail(p study.Preferences) string {
	if talks(r.req.Type) && (p.Detail == study.Short || p.Detail == study.Long) {
		return p.Detail
	}
	return ""
}

// wantsProgress reports whether it matters what the student has made so far.
func (r *run) wantsProgress() bool { return r.req.Type == study.Plan || r.req.Type == study.Analysis }

// progress is which aids the student has, and roughly how many.
func (r *run) progress() memo {
	return memo{wanted: r.wantsProgress(), kept: KeptAids, read: func(ctx context.Context) ([]string, error) {
		counts, err := r.Store.ContentStats(ctx, r.req.UserID)
		return inWords(counts), err
	}}
}

// inWords tells the counts in the order of the types.
func inWords(counts map[study.Type]int) (list []string) {
	for _, t := range study.Types() {
		name, listed := study.ContentTypes()[t]
		switch n := counts[t]; {
		case !listed || n <= 0:
		case n < many:
			list = append(list, "a few "+name)
		default:
			list = append(list, "many "+name)
		}
	}
	return list
}
