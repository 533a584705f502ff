package agent

import (
	"context"
	"slices"
	"strings"

	"studysharper/app/study"
	"studysharper/app/text"
)

// Limits of the conversation in a prompt. Of older messages, the beginning is enough to show what they were about.
const (
	historyMessages = 10
	historyWhole    = 5   // the newest of these are quoted
	historyRunes    = 200 // of each quoted message
	openingRunes    = 40  // of each older message
	askedRunes      = 300 // of an earlier question that is used to search notes
)

// history is the part of the context that comes from the session.
type history struct {
	turns   []study.Turn
	asked   []string // the newest of the student's messages, shortened
	noteIDs []string // the notes that were named last
	content string   // the text that was given last
	foreign bool     // the session belongs to another user
}

// loadHistory reads the conversation so far. Only chats use it; requests that name their type are complete without it.
func (c *contextReader) loadHistory(ctx context.Context) (history, error) {
	session, err := c.deps.Store.Session(ctx, c.req.SessionID)
	switch {
	case study.IsCode(err, study.CodeNotFound):
		return history{}, nil
	case err != nil:
		return history{}, err
	case session.UserID != c.req.UserID:
		return history{foreign: true}, nil
	case !c.fromChat:
		return history{}, nil
	}
	messages, err := c.deps.Store.Messages(ctx, c.req.SessionID, historyMessages+1)
	if err != nil {
		return history{}, err
	}
	messages = slices.DeleteFunc(messages, func(m study.Message) bool { return m.ID == c.runID }) // the question itself
	h := history{turns: toTurns(messages[max(0, len(messages)-historyMessages):])}
	if c.req.Type != study.Chat || len(messages) == 0 {
		return h, nil
	}
	for _, m := range slices.Backward(messages) {
		if m.Role == study.RoleUser && len(h.asked) < askedBefore {
			h.asked = append(h.asked, text.ClipRunes(m.Text, askedRunes))
		}
	}
	h.noteIDs, h.content, err = c.deps.Store.SessionSource(ctx, c.req.SessionID)
	return h, err
}

// toTurns converts messages to turns and shortens them for a prompt.
func toTurns(messages []study.Message) []study.Turn {
	turns := make([]study.Turn, len(messages))
	for i, m := range messages {
		turns[i] = study.Turn{Role: m.Role, Text: text.ClipRunes(m.Text, historyRunes)}
		if i < len(messages)-historyWhole {
			turns[i].Text = opening(m.Text)
		}
	}
	return turns
}

// opening returns the beginning of a message, in whole words.
func opening(s string) string {
	start := text.ClipRunes(s, openingRunes)
	if len(start) == len(s) {
		return s
	}
	if i := strings.LastIndexByte(start, ' '); i > 0 {
		start = start[:i]
	}
	return start + " […]"
}

// historyWarning returns the warning for a conversation that cannot be read, or "" if it would not have been used.
func (c *contextReader) historyWarning() string {
	if !c.fromChat {
		return ""
	}
	return "the conversation so far could not be read"
}
