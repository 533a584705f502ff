package store

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"studysharper/app/passages"
	"studysharper/app/study"
)

// PassageQuery selects passages of a user's notes.
type PassageQuery struct {
	UserID string // required
	// NoteIDs are the notes to search, at most MaxRows; none = all of the user's notes. An id that is unknown or another
	// user's is CodeNotFound. The first passages include one of each of these notes, even if it contains no word of
	// Search.
	NoteIDs []string
	// Search contains words, and phrases in quotation marks. A passage matches if it contains one of the words, in any
	// form; passages with the rarest words come first. If some passages contain all phrases, only these are found.
	Search string
	Limit  int // clamped to 1..MaxRows
}

// Ranking a passage requires reading its word counts from the database, so only the passages most likely to be returned
// are ranked.
const (
	rankedEach = 3 // for each passage that is returned
	minRanked  = 100
)

// A hit is a passage that matches.
type hit struct {
	num   int64
	score float64
}

// note returns the number of the hit's note.
func (h hit) note() int64 { return h.num / maxPassages }

// SearchPassages implements Store.
func (s *sqlStore) SearchPassages(ctx context.Context, q PassageQuery) ([]study.Passage, error) {
	var c checks
	c.user(q.UserID)
	c.add(len(q.NoteIDs) > MaxRows, "note_ids", "at most 200 notes")
	if err := c.err(); err != nil {
		return nil, err
	}
	query := passages.ParseQuery(q.Search).Content()
	ranked := MaxRanked
	if len(query.Phrases) == 0 { // which passages contain a phrase is only known later
		ranked = min(MaxRanked, max(minRanked, rankedEach*clampLimit(q.Limit)))
	}
	find := func(ctx context.Context, user string, query passages.Query) ([]hit, error) {
		return s.rankAll(ctx, user, query, ranked)
	}
	if len(q.NoteIDs) > 0 {
		find = func(ctx context.Context, user string, query passages.Query) ([]hit, error) {
			return s.rankNamed(ctx, user, q.NoteIDs, query)
		}
	}
	hits, err := find(ctx, q.UserID, query)
	if err != nil {
		return nil, err
	}
	found, err := s.readHits(ctx, q.UserID, spread(hits), query.Phrases, clampLimit(q.Limit))
	list := make([]study.Passage, len(found))
	for i, f := range found {
		list[i] = f.Passage
	}
	return list, err
}

// searchNotes finds notes that contain all words and phrases, or with q.AnyWord any of the words, ranked by their best
// passage.
func (s *sqlStore) searchNotes(ctx context.Context, q NoteQuery) ([]study.Note, error) {
	query := passages.ParseQuery(q.Search)
	if !q.AnyWord {
		query = query.CompleteLast()
	}
	query = query.Content()
	m, err := s.match(ctx, q.UserID, query, !q.AnyWord)
	if err != nil {
		return nil, err
	}
	hits, err := s.rank(ctx, query, m, MaxRanked)
	if err != nil {
		return nil, err
	}
	wanted := func(int64) bool { return true }
	if !q.AnyWord {
		all := m.notesWithAll(len(query.Words))
		wanted = func(note int64) bool { return all[note] }
	}
	if len(query.Phrases) > 0 {
		found, err := s.readHits(ctx, q.UserID, hits, query.Phrases, MaxRows)
		if err != nil {
			return nil, err
		}
		hits = hits[:0]
		for _, f := range found {
			if f.exact || q.AnyWord {
				hits = append(hits, hit{num: f.num})
			}
		}
	}
	return s.notesOf(ctx, q, hits, wanted)
}

// notesOf reads the notes of hits that are wanted, in the order of the hits.
func (s *sqlStore) notesOf(ctx context.Context, q NoteQuery, hits []hit, wanted func(note int64) bool) ([]study.Note, error) {
	limit := clampLimit(q.Limit)
	if q.Subject != "" { // some hits may have another subject
		limit = MaxRows
	}
	nums, seen := []int64{}, map[int64]bool{}
	for _, h := range hits {
		if n := h.note(); wanted(n) && !seen[n] && len(nums) < limit {
			seen[n] = true
			nums = append(nums, n)
		}
	}
	if len(nums) == 0 {
		return []study.Note{}, nil
	}
	table, arg := s.engine.picked(nums)
	notes, err := list(ctx, s, scanNote, pickedNotes(table, q.columns()), arg, q.UserID, q.Subject)
	return notes[:min(len(notes), clampLimit(q.Limit))], err
}

// pickedNotes returns a query for a user's notes with the numbers in a table. IN makes SQLite look the notes up by
// number instead of scanning all of the user's notes.
func pickedNotes(table, columns string) string {
	return "SELECT " + columns + " FROM " + table + " JOIN notes ON num = picked.value WHERE $2 IN (user_id) AND $3 IN ('', subject) ORDER BY picked.key"
}

// sortHits sorts by score, and equal scores by age, newest first.
func sortHits(hits []hit) {
	slices.SortFunc(hits, func(a, b hit) int { return cmp.Or(cmp.Compare(b.score, a.score), cmp.Compare(b.num, a.num)) })
}

// rankAll ranks the matching passages of all notes.
func (s *sqlStore) rankAll(ctx context.Context, userID string, q passages.Query, ranked int) ([]hit, error) {
	m, err := s.match(ctx, userID, q, false)
	if err == nil && len(m.found) == 0 {
		q = q.Loosen()
		m, err = s.match(ctx, userID, q, false)
	}
	if err != nil {
		return nil, err
	}
	return s.rank(ctx, q, m, ranked)
}

func (s *sqlStore) rank(ctx context.Context, q passages.Query, m matches, ranked int) ([]hit, error) {
	f := m.frequencies()
	best := m.best(f, ranked)
	if len(best) == 0 {
		return nil, nil
	}
	completed := uint32(0) // words that match all words that begin with them
	for i, w := range q.Words {
		if w.Begins != "" {
			completed |= 1 << i
		}
	}
	nums, begins := make([]int64, len(best)), make(map[int64]uint32, len(best))
	for i, c := range best {
		nums[i], begins[c.num] = c.num, c.words&completed
	}
	table, arg := s.engine.picked(nums)
	return s.score(ctx, q, f, begins, "SELECT num, words, counts FROM "+table+" JOIN passages ON num = picked.value", arg)
}

// score ranks the passages that a query returns, best first.
func (s *sqlStore) score(ctx context.Context, q passages.Query, f *passages.Frequencies, begins map[int64]uint32, query string, args ...any) ([]hit, error) {
	r := q.Ranker()
	var hits []hit
	err := s.selectRows(ctx, func(row scanner) (bool, error) {
		var num int64
		var words int
		var counts []byte
		if err := row.Scan(&num, &words, &counts); err != nil {
			return false, err
		}
		r.Add(counts, words, begins[num])
		hits = append(hits, hit{num: num})
		return true, nil
	}, query, args...)
	if err != nil {
		return nil, err
	}
	for i, score := range r.Scores(f) {
		hits[i].score = score
	}
	sortHits(hits)
	return hits, nil
}

// rankNamed ranks all passages of the given notes. Passages without a word of the query come last, in the order of the
// text.
func (s *sqlStore) rankNamed(ctx context.Context, userID string, ids []string, q passages.Query) ([]hit, error) {
	marks, args := make([]string, len(ids)), []any{userID}
	for i, id := range ids {
		marks[i] = fmt.Sprintf("$%d", i+2)
		if !isUUID(id) {
			return nil, nameNote(noNote(), id)
		}
		args = append(args, strings.ToLower(id))
	}
	const known = "SELECT id FROM notes WHERE $1 IN ('', user_id) AND id IN ("
	there, err := list(ctx, s, func(r scanner, id *string) (mark, error) { return mark{}, r.Scan(id) }, known+strings.Join(marks, ", ")+")", args...)
	if err != nil {
		return nil, err
	}
	for _, id := range ids {
		if !slices.Contains(there, strings.ToLower(id)) {
			return nil, nameNote(noNote(), id)
		}
	}
	query := `SELECT passages.num, words, counts FROM notes JOIN passages ON passages.num >= notes.num * 4096 AND passages.num < (notes.num + 1) * 4096
		WHERE $1 IN ('', notes.user_id) AND id IN (` + strings.Join(marks, ", ") + ")"
	hits, err := s.score(ctx, q, nil, nil, query, args...)
	slices.SortStableFunc(hits, func(a, b hit) int {
		if a.score > 0 || b.score > 0 {
			return 0
		}
		return cmp.Or(cmp.Compare(a.num%maxPassages, b.num%maxPassages), cmp.Compare(a.num, b.num))
	})
	return hits, err
}
