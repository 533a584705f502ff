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

// save saves the aid, if its type is listed, and the conversation's two messages, and returns
// the session that they are in. An answer that is saved for this user already is not saved
// again: a request that named no session is taken to the session where it was made. It runs
// on when the run's own time is over, because the work is done.
func (o *Orchestrator) save(ctx context.Context, req study.Request, key string, got answer) (saved *study.Saved, session string, err error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), o.options.SaveTimeout)
	defer cancel()
	name, session := title(req, got.aid), req.SessionID
	if saved, err = o.saveAid(ctx, req, key, name, got.aid); err != nil {
		return nil, session, err
	}
	messages := messagesOf(req, name, got.draft)
	if saved != nil && (req.NewSession || !got.cached) {
		for i := range messages { // ids by which the store recognizes them if they are saved again
			messages[i].ID = uuid.NewSHA1(uuid.NameSpaceOID, []byte(saved.ContentID+" "+messages[i].Role)).String()
		}
	}
	if saved != nil && req.NewSession {
		session = saved.SessionID
	}
	err = o.deps.Store.AppendMessages(ctx, study.Session{ID: session, UserID: req.UserID, Title: name}, messages...)
	if err != nil {
		return nil, req.SessionID, err
	}
	return saved, session, nil
}

// saveAid saves the aid, once for each answer; nil if its type is not listed.
func (o *Orchestrator) saveAid(ctx context.Context, req study.Request, key, name string, aid study.Aid) (*study.Saved, error) {
	kind, listed := study.ContentTypes()[aid.Type()]
	if !listed {
		return nil, nil //nolint:nilnil // nothing is saved, which is not a fault
	}
	data, err := json.Marshal(aid)
	if err != nil {
		return nil, err
	}
	id := sha256.Sum256(append([]byte(key+"\n"), data...))
	kept, err := o.deps.Store.SaveContent(ctx, study.Content{UserID: req.UserID, SessionID: req.SessionID,
		Type: aid.Type(), Title: name, Data: data, Answer: hex.EncodeToString(id[:])})
	if err != nil {
		return nil, err
	}
	return &study.Saved{ContentType: kind, ContentID: kept.ID, SessionID: kept.SessionID}, nil
}

// cutMarks follow an incomplete answer in the saved conversation, so that neither a student
// nor the model takes it for complete later.
var cutMarks = map[study.Cut]string{
	study.CutLength:  "… [cut off at the length limit]",
	study.CutStopped: "… [cut off]",
}

// messagesOf are the two turns of the conversation. A request without words has only the
// second.
func messagesOf(req study.Request, name string, d *draft) []study.Message {
	text := summaryText(d.aid) + ": " + name
	if reply, ok := d.aid.(*study.Reply); ok {
		text = reply.Response + cutMarks[d.cut]
	}
	now := time.Now().UTC()
	user := study.Message{Role: study.RoleUser, Text: req.Message, CreatedAt: now}
	assistant := study.Message{Role: study.RoleAssistant, Text: text, CreatedAt: now.Add(time.Microsecond)}
	if strings.TrimSpace(user.Text) == "" {
		return []study.Message{assistant}
	}
	return []study.Message{user, assistant}
}
