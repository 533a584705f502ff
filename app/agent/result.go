package agent

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"

	"studysharper/app/study"
)

const titleRunes = 80 // of a session or a kept aid

// format puts the result together and keeps what shall be kept. It does not fail:
// an answer that cannot be saved is still an answer.
func (r *run) format(ctx context.Context, got *result) Outcome {
	out := Outcome{RunID: r.id, FromCache: got.cached, Age: got.age}
	res := &out.Result
	*res = study.Result{
		Success: true, Intent: r.req.Type, Data: got.aid, Validation: got.validation,
		UserID: r.req.UserID, SessionID: r.req.SessionID, Message: summaryText(got.aid),
		IgnoredOptions: append([]string{}, r.req.Ignored...),
		Warnings:       append([]string{}, r.req.Warnings...),
	}
	res.Warnings = append(append(res.Warnings, r.known.warnings...), got.warnings...)
	saved, session, err := r.save(ctx, got)
	res.SessionID = session
	if err != nil {
		r.Log.Warn("answer not saved", "run", r.id, "error", err)
		res.Warnings = append(res.Warnings, "not saved: the answer could not be kept")
		saved = &study.Saved{Failed: true}
	}
	res.Saved = saved
	res.Metadata = study.Metadata{ExecutionTimeMS: time.Since(r.began).Milliseconds(), TokensUsed: r.tokens, ModelUsed: r.model}
	return out
}

// summaryText tells a student in a line what was made.
func summaryText(a study.Aid) string {
	n := study.Items(a)
	switch a.Type() {
	case study.Flashcards:
		return fmt.Sprintf("Made %s", pluralize(n, "flashcard"))
	case study.Quiz:
		return fmt.Sprintf("Made a quiz of %s", pluralize(n, "question"))
	case study.Exam:
		return fmt.Sprintf("Made an exam of %s", pluralize(n, "question"))
	case study.Summary:
		return "Made a summary"
	case study.Analysis:
		return "Analysed the notes"
	case study.Plan:
		return fmt.Sprintf("Made a study plan of %s", pluralize(n, "session"))
	default:
		return "Answered"
	}
}

func pluralize(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// save keeps the aid, for the types that are listed later, and the conversation's two
// messages, and gives the session they are in. An answer that is kept for this user
// already is not kept again: a request that named no session is taken to where it was
// made. It goes on when the run's own time is over: the work is done.
func (r *run) save(ctx context.Context, got *result) (saved *study.Saved, session string, err error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), r.o.KeepTimeout)
	defer cancel()
	title, messages := r.title(got.aid), r.messages(got.aid)
	session = r.req.SessionID
	if saved, err = r.saveAid(ctx, got.aid, title); err != nil {
		return nil, session, err
	}
	if saved != nil && (r.req.NewSession || !got.cached) {
		for i := range messages { // ids by which the store knows them when they come again
			messages[i].ID = uuid.NewSHA1(uuid.NameSpaceOID, []byte(saved.ContentID+" "+messages[i].Role)).String()
		}
	}
	if saved != nil && r.req.NewSession {
		session = saved.SessionID
	}
	err = r.Store.AppendMessages(ctx, study.Session{ID: session, UserID: r.req.UserID, Title: title}, messages...)
	if err != nil {
		return nil, r.req.SessionID, err
	}
	return saved, session, nil
}

// saveAid keeps the aid, once for each answer; nil where its type is not listed.
func (r *run) saveAid(ctx context.Context, aid study.Aid, title string) (*study.Saved, error) {
	name, listed := study.ContentTypes()[aid.Type()]
	if !listed {
		return nil, nil //nolint:nilnil // nothing is kept, which is not a fault
	}
	data, err := json.Marshal(aid)
	if err != nil {
		return nil, err
	}
	answer := sha256.Sum256(append([]byte(r.key+"\n"), data...))
	kept, err := r.Store.SaveContent(ctx, study.Content{UserID: r.req.UserID, SessionID: r.req.SessionID,
		Type: aid.Type(), Title: title, Data: data, Answer: hex.EncodeToString(answer[:])})
	if err != nil {
		return nil, err
	}
	return &study.Saved{ContentType: name, ContentID: kept.ID, SessionID: kept.SessionID}, nil
}

// cutMarks follow an incomplete answer in the conversation that is kept, so that neither a
// student nor the model takes it for whole later.
var cutMarks = map[study.Cut]string{
	study.CutLength:  "… [cut off at the length limit]",
	study.CutStopped: "… [cut off]",
}

// messages are the two turns of the conversation. A request without words is told
// by what was made of it.
func (r *run) messages(aid study.Aid) []study.Message {
	answer := summaryText(aid) + ": " + r.title(aid)
	if reply, ok := aid.(*study.Reply); ok {
		answer = reply.Response + cutMarks[r.cut]
	}
	now := time.Now().UTC()
	user := study.Message{Role: study.RoleUser, Text: r.req.Message, CreatedAt: now}
	assistant := study.Message{Role: study.RoleAssistant, Text: answer, CreatedAt: now.Add(time.Microsecond)}
	if strings.TrimSpace(user.Text) == "" {
		return []study.Message{assistant}
	}
	return []study.Message{user, assistant}
}

// title names what was made: by its own title, its topic, or the student's words.
func (r *run) title(aid study.Aid) string {
	candidates := []string{"", r.req.Options.Topic, r.req.Message, summaryText(aid)}
	switch s := aid.(type) {
	case *study.FlashcardSet:
		if r.req.Options.Topic == "" && len(s.TopicsCovered) > 0 {
			candidates[0] = s.TopicsCovered[0]
		}
	case *study.QuizSet:
		candidates[0] = s.Quiz.Title
	case *study.ExamSet:
		candidates[0] = s.Exam.Title
	case *study.SummarySet:
		candidates[0] = s.Summary.Title
	case *study.PlanSet:
		candidates[0] = s.Plan.Title
	}
	for _, c := range candidates {
		if c = strings.Join(strings.Fields(clip(c, 5*titleRunes)), " "); c != "" {
			return clip(c, titleRunes)
		}
	}
	return ""
}
