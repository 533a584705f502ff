package agent

import (
	"context"
	"strings"

	"studysharper/app/study"
)

// Bounds of the conversation that a prompt is given. Of the older messages the opening
// is enough to know what was spoken of.
const (
	historyMessages = 10
	historyWhole    = 5   // of these, the newest, with their text,
	historyRunes    = 200 // each so long at most
	openingRunes    = 40  // of each older one
)

// history is the part of the context that comes from the session.
type history struct {
	turns    []study.Turn
	anothers bool // it is another user's session
}

// loadHistory reads what was said before. Requests that name their type stand for
// themselves, so only a chat is given its history. Another user's session is, to
// this one, none.
func (r *run) loadHistory(ctx context.Context) (history, error) {
	session, err := r.Store.Session(ctx, r.req.SessionID)
	switch {
	case isCode(err, study.CodeNotFound):
		return history{}, nil
	case err != nil:
		return history{}, err
	case session.UserID != r.req.UserID:
		return history{anothers: true}, nil
	case !r.asChat:
		return history{}, nil
	}
	messages, err := r.Store.Messages(ctx, r.req.SessionID, historyMessages)
	if err != nil {
		return history{}, err
	}
	return history{turns: toTurns(messages[max(0, len(messages)-historyMessages):])}, nil
}

// toTurns are the messages as a prompt is given them.
func toTurns(messages []study.Message) []study.Turn {
	turns := make([]study.Turn, len(messages))
	for i, m := range messages {
		turns[i] = study.Turn{Role: m.Role, Text: clip(m.Text, historyRunes)}
		if i < len(messages)-historyWhole {
			turns[i].Text = firstSentence(m.Text)
		}
	}
	return turns
}

// firstSentence is how a message begins, in whole words.
func firstSentence(s string) string {
	start := clip(s, openingRunes)
	if len(start) == len(s) {
		return s
	}
	if i := strings.LastIndexByte(start, ' '); i > 0 {
		start = start[:i]
	}
	return start + " […]"
}

// historyWarning is what a student is told of a conversation that cannot be read: nothing
// where it would not have been used.
func (r *run) historyWarning() string {
	if !r.asChat {
		return ""
	}
	return "the conversation so far could not be read"
}
