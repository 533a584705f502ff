package agenttest

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"unicode/utf8"

	"studysharper/app/passages"
	"studysharper/app/study"
)

// Store is an agent.Store in memory. Fail, if set, returns the error of each method.
type Store struct {
	Fail func(method string) error

	Wishes map[string]study.Preferences
	Stats  map[study.Type]int
	Weak   []string // topics, of every user

	mu         sync.Mutex
	Sessions   map[string]study.Session
	Talks      map[string][]study.Message
	Runs       []study.Run // ended runs
	Notes      []study.Note
	sources    map[string]source // of sessions
	Searches   []string
	Contents   []study.Content
	Executions []study.Execution
}

func (s *Store) enter(method string) error {
	if s.Fail == nil {
		return nil
	}
	return s.Fail(method)
}

// Session implements agent.Store.
func (s *Store) Session(_ context.Context, id string) (study.Session, error) {
	if err := s.enter("Session"); err != nil {
		return study.Session{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if v, ok := s.Sessions[id]; ok {
		return v, nil
	}
	return study.Session{}, study.Errorf(study.CodeNotFound, "no such session")
}

// Messages implements agent.Store.
func (s *Store) Messages(_ context.Context, id string, limit int) ([]study.Message, error) {
	if err := s.enter("Messages"); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	all := s.Talks[id]
	return slices.Clone(all[max(0, len(all)-limit):]), nil
}

// NotesByID implements agent.Store.
func (s *Store) NotesByID(_ context.Context, user string, ids []string) ([]study.Note, error) {
	if err := s.enter("NotesByID"); err != nil {
		return nil, err
	}
	var found []study.Note
	for _, id := range ids {
		i := slices.IndexFunc(s.Notes, func(n study.Note) bool { return n.ID == id && n.UserID == user })
		if i < 0 {
			return nil, study.Errorf(study.CodeNotFound, "there is no note %s", id)
		}
		found = append(found, s.Notes[i])
	}
	return found, nil
}

// SearchNotes implements agent.Store.
func (s *Store) SearchNotes(_ context.Context, user, words string, limit int) ([]study.Note, error) {
	if err := s.enter("SearchNotes"); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.Searches = append(s.Searches, words)
	var found []study.Note
	for _, n := range s.Notes {
		if n.UserID == user && len(found) < limit {
			found = append(found, n)
		}
	}
	return found, nil
}

// SearchPassages implements agent.Store: each note is one passage.
func (s *Store) SearchPassages(ctx context.Context, user string, ids []string, words string, limit int) ([]study.Passage, error) {
	if err := s.enter("SearchPassages"); err != nil {
		return nil, err
	}
	s.mu.Lock()
	notes := slices.Clone(s.Notes)
	s.Searches = append(s.Searches, words)
	s.mu.Unlock()
	if len(ids) > 0 {
		named := make([]study.Note, 0, len(ids))
		for _, id := range ids {
			i := slices.IndexFunc(notes, func(n study.Note) bool { return n.ID == id && n.UserID == user })
			if i < 0 {
				return nil, study.Errorf(study.CodeNotFound, "there is no note %s", id)
			}
			named = append(named, notes[i])
		}
		notes = named
	}
	var found []study.Passage
	for _, n := range notes {
		whole := n.Title + "\n" + n.Content
		if n.UserID == user && len(found) < limit && (len(ids) > 0 || len(passages.NewIndex(whole).Search(passages.ParseQuery(words))) > 0) {
			size := utf8.RuneCountInString(n.Content)
			found = append(found, study.Passage{NoteID: n.ID, Title: n.Title, End: size, Of: size, Text: n.Content})
		}
	}
	return found, nil
}

// source is what KeepSessionSource stores.
type source struct {
	ids     []string
	content string
}

// WeakTopics implements agent.Store.
func (s *Store) WeakTopics(context.Context, string) ([]string, error) {
	return s.Weak, s.enter("WeakTopics")
}

// SessionSource implements agent.Store.
func (s *Store) SessionSource(_ context.Context, session string) ([]string, string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.sources[session].ids, s.sources[session].content, s.enter("SessionSource")
}

// KeepSessionSource implements agent.Store.
func (s *Store) KeepSessionSource(_ context.Context, session string, ids []string, content string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.sources == nil {
		s.sources = map[string]source{}
	}
	s.sources[session] = source{ids, content}
	return s.enter("KeepSessionSource")
}

// Preferences implements agent.Store.
func (s *Store) Preferences(_ context.Context, user string) (study.Preferences, error) {
	if err := s.enter("Preferences"); err != nil {
		return study.Preferences{}, err
	}
	return s.Wishes[user], nil
}

// ContentStats implements agent.Store.
func (s *Store) ContentStats(context.Context, string) (map[study.Type]int, error) {
	if err := s.enter("ContentStats"); err != nil {
		return nil, err
	}
	return s.Stats, nil
}

// EndRun implements agent.Store.
func (s *Store) EndRun(ctx context.Context, r study.Run, v study.Session, msgs ...study.Message) error {
	if err := s.AppendMessages(ctx, v, msgs...); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.Runs = append(s.Runs, r)
	return nil
}

// AppendMessages implements agent.Store.
func (s *Store) AppendMessages(ctx context.Context, v study.Session, msgs ...study.Message) error {
	if err := s.enter("AppendMessages"); err != nil {
		return err
	}
	if ctx.Err() != nil {
		return study.Wrap(ctx.Err(), study.CodeTimeout, "too late")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.Sessions[v.ID] = v
	s.Talks[v.ID] = append(s.Talks[v.ID], msgs...)
	return nil
}

// SaveContent implements agent.Store.
func (s *Store) SaveContent(_ context.Context, c study.Content) (study.Content, error) {
	if err := s.enter("SaveContent"); err != nil {
		return c, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, kept := range s.Contents {
		if kept.UserID == c.UserID && kept.Answer == c.Answer {
			return kept, nil
		}
	}
	c.ID = fmt.Sprintf("content-%d", len(s.Contents)+1)
	s.Contents = append(s.Contents, c)
	return c, nil
}

// RecordExecution implements agent.Store.
func (s *Store) RecordExecution(e study.Execution) {
	if err := s.enter("RecordExecution"); err != nil {
		panic(err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.Executions = append(s.Executions, e)
}
