package store

import (
	"context"

	"studysharper/app/passages"
	"studysharper/app/study"
)

// firstHits is how many of the best hits come first, even if they share a note.
const firstHits = 3

// spread reorders hits so that the first ones cover every note: after the best hits comes the best hit of each other
// note, then the rest.
func spread(hits []hit) []hit {
	first := min(firstHits, len(hits))
	out, seen := append(make([]hit, 0, len(hits)), hits[:first]...), map[int64]bool{}
	for _, h := range out {
		seen[h.note()] = true
	}
	var rest []hit
	for _, h := range hits[first:] {
		if seen[h.note()] {
			rest = append(rest, h)
			continue
		}
		seen[h.note()] = true
		out = append(out, h)
	}
	return append(out, rest...)
}

// A foundPassage is a passage with its number and language.
type foundPassage struct {
	study.Passage
	num      int64
	language int
	exact    bool // it contains all phrases
}

// readHits reads the texts of the first hits. If any of the first MaxRows hits contain all phrases, it returns only
// those.
func (s *sqlStore) readHits(ctx context.Context, userID string, hits []hit, phrases []passages.Phrase, limit int) ([]foundPassage, error) {
	most := limit
	if len(phrases) > 0 {
		most = MaxRows
	}
	nums := make([]int64, min(len(hits), most))
	for i := range nums {
		nums[i] = hits[i].num
	}
	if len(nums) == 0 {
		return nil, nil
	}
	table, arg := s.engine.picked(nums)
	query := `SELECT p.num, p.language, n.id, n.title, p.section, p.page, p.begins, p.ends, substr(n.content, p.begins + 1, p.ends - p.begins),
			(SELECT l.ends FROM passages l WHERE l.num < (n.num + 1) * 4096 ORDER BY l.num DESC LIMIT 1)
		FROM ` + table + ` JOIN passages p ON p.num = picked.value JOIN notes n ON n.num = p.num / 4096
		WHERE $2 IN ('', n.user_id) ORDER BY picked.key`
	var found, exact []foundPassage
	err := s.selectRows(ctx, func(row scanner) (bool, error) {
		var f foundPassage
		err := row.Scan(&f.num, &f.language, &f.NoteID, &f.Title, &f.Section, &f.Page, &f.Start, &f.End, &f.Text, &f.Of)
		f.exact = len(phrases) > 0 && err == nil && holdsAll(phrases, f)
		found = append(found, f)
		if f.exact {
			exact = append(exact, f)
		}
		return err == nil, err
	}, query, arg, userID)
	if len(exact) > 0 {
		found = exact
	}
	return found[:min(len(found), limit)], err
}

func holdsAll(phrases []passages.Phrase, f foundPassage) bool {
	p := passages.Passage{Section: f.Section, Text: f.Text}
	return passages.HasAll(phrases, passages.StemmerOf(f.language).Terms(f.Title, p))
}
