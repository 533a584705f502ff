package agent

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strings"
	"time"

	"github.com/google/uuid"

	"studysharper/app/study"
)

// save saves the aid, if its type is listed, the conversation's two messages and the end of a recorded run, and sets
// their ids in out. An answer that is already saved for this user is not saved again: a request without a session gets
// the session where the answer was saved, unless its question was recorded in a new one. save continues after the run's
// deadline, because the work is done.
func (o *Orchestrator) save(ctx context.Context, r *run, t task, got answer, out *Outcome) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), o.options.SaveTimeout)
	defer cancel()
	req, recorded := r.req, r.observer.Outcome != nil
	name := title(req, got.aid, beginning(t.brief))
	saved, err := o.saveAid(ctx, t.key, got.aid, study.Content{UserID: req.UserID, SessionID: req.SessionID, Title: name,
		Notes: req.NoteIDs, Model: got.model})
	if err != nil {
		return err
	}
	out.Result.Saved, out.Result.SessionID = saved, req.SessionID
	messages := messagesOf(req, name, got.draft)
	if saved != nil && (req.NewSession || !got.cached) {
		for i := range messages { // ids by which the store recognizes messages that are saved twice
			messages[i].ID = uuid.NewSHA1(uuid.NameSpaceOID, []byte(saved.ContentID+" "+messages[i].Role)).String()
		}
	}
	if saved != nil && req.NewSession && !recorded {
		out.Result.SessionID = saved.SessionID
	}
	session := study.Session{ID: out.Result.SessionID, UserID: req.UserID, Title: name}
	if !recorded {
		if err := o.deps.Store.AppendMessages(ctx, session, messages...); err != nil {
			return err
		}
		return o.saveSource(ctx, session.ID, req)
	}
	if len(messages) > 1 {
		messages[0].ID = r.id
	}
	end := study.Run{ID: r.id, SessionID: req.SessionID, UserID: req.UserID, Type: req.Type, State: study.RunSucceeded, Outcome: r.observer.Outcome(*out)}
	if err := o.deps.Store.EndRun(ctx, end, session, messages...); err != nil {
		return err
	}
	return o.saveSource(ctx, session.ID, req)
}

// saveSource saves the notes and the text of a chat request for the questions that follow.
func (o *Orchestrator) saveSource(ctx context.Context, session string, req study.Request) error {
	content := req.Options.Content
	if req.Type != study.Chat || len(req.NoteIDs) == 0 && strings.TrimSpace(content) == "" {
		return nil
	}
	return o.deps.Store.KeepSessionSource(ctx, session, req.NoteIDs, content)
}

// saveAid saves the aid as content, once for each answer. It returns nil if the aid's type is not listed.
func (o *Orchestrator) saveAid(ctx context.Context, key string, aid study.Aid, as study.Content) (*study.Saved, error) {
	kind, listed := study.ContentTypes()[aid.Type()]
	if !listed {
		return nil, nil //nolint:nilnil // nothing is saved, which is not a fault
	}
	data, err := json.Marshal(aid)
	if err != nil {
		return nil, err
	}
	id := sha256.Sum256(append([]byte(key+"\n"), data...))
	as.Type, as.Data, as.Answer = aid.Type(), data, hex.EncodeToString(id[:])
	kept, err := o.deps.Store.SaveContent(ctx, as)
	if err != nil {
		return nil, err
	}
	return &study.Saved{ContentType: kind, ContentID: kept.ID, SessionID: kept.SessionID}, nil
}

// cutMarks follow an incomplete answer in the saved conversation, so that neither a student nor the model mistakes it
// for a complete one.
var cutMarks = map[study.Cut]string{
	study.CutLength:  "… [cut off at the length limit]",
	study.CutStopped: "… [cut off]",
}

// messagesOf returns the two turns of the conversation: question and answer. A request without a message has only the
// answer.
func messagesOf(req study.Request, name string, d *draft) []study.Message {
	text, citations := summaryText(d.aid)+": "+name, []study.Source(nil)
	if reply, ok := d.aid.(*study.Reply); ok {
		text, citations = reply.Response+cutMarks[d.cut], reply.Citations
	}
	now := time.Now().UTC()
	user := study.Message{Role: study.RoleUser, Text: req.Message, CreatedAt: now}
	assistant := study.Message{Role: study.RoleAssistant, Text: text, Citations: citations, CreatedAt: now.Add(time.Microsecond)}
	if strings.TrimSpace(user.Text) == "" {
		return []study.Message{assistant}
	}
	return []study.Message{user, assistant}
}
