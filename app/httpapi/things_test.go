package httpapi

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"studysharper/app/attempt"
	"studysharper/app/store"
	"studysharper/app/study"
	"studysharper/app/testkit/openapitest"
)

// things are the ids of a user's data, by the name of the path parameter.
type things map[string]string

// fill creates one of each thing for a user, and returns their ids.
func (f *face) fill(user, mark string) things {
	f.t.Helper()
	session, run := newID(), newID()
	check := func(err error) {
		f.t.Helper()
		if err != nil {
			f.t.Fatal(err)
		}
	}
	ctx := f.t.Context()
	note, err := f.store.CreateNote(ctx, study.Note{UserID: user, Title: mark, Content: mark})
	check(err)
	content, err := f.store.SaveContent(ctx, study.Content{UserID: user, SessionID: session, Type: study.Flashcards, Title: mark,
		Data: []byte(`{"flashcards":[{"question":"` + mark + `","answer":"a","topic":"t","difficulty":"easy"}],"total_count":1,"topics_covered":["t"]}`)})
	check(err)
	other, err := f.store.SaveContent(ctx, study.Content{UserID: user, Type: study.Flashcards, Title: mark, Data: content.Data})
	check(err)
	quiz, err := f.store.SaveContent(ctx, study.Content{UserID: user, Type: study.Quiz, Title: mark,
		Data: []byte(`{"quiz":{"title":"` + mark + `","questions":[{"id":"1","type":"short_answer","question":"` + mark + `","acceptable_answers":["` + mark + `"],"points":1}]},"total_points":1,"estimated_time_minutes":1}`)})
	check(err)
	graded, _, err := attempt.Grade(quiz, []study.GivenAnswer{{ItemID: "1", Answer: "not " + mark}})
	check(err)
	_, err = f.store.SaveAttempt(ctx, graded)
	check(err)
	cards, _, err := f.store.UserCards(ctx, user, store.Page{Limit: 1000})
	check(err)
	card := cards[slices.IndexFunc(cards, func(c study.Card) bool { return c.DeckID == content.ID })]
	review := study.Review{ID: newID(), UserID: user, CardID: card.ID, Rating: study.RatingGood}
	_, err = f.store.ReviewCard(ctx, review, func(m study.CardMemory, _ int, at time.Time, _ study.ReviewSettings) study.CardMemory {
		m.ReviewedAt, m.Due = at, at
		return m
	})
	check(err)
	owner := study.Session{ID: session, UserID: user, Title: mark}
	check(f.store.BeginRun(ctx, study.Run{ID: run, SessionID: session, UserID: user, Type: study.Chat, Request: []byte(`{}`)}, owner, study.Message{Role: study.RoleUser, Text: mark}))
	check(f.store.EndRun(ctx, study.Run{ID: run, SessionID: session, UserID: user, Type: study.Chat, State: study.RunFailed, Outcome: study.ErrorFields(study.Errorf(study.CodeInternal, "%s", mark))}, study.Session{}))
	return things{"note_id": note.ID, "session_id": session, "run_id": run, "user": user, "kind": "flashcards", "id": content.ID, "content_id": content.ID, "other": other.ID, "quiz": quiz.ID,
		"item_id": card.ItemID, "card_id": card.ID, "n": "1", "review_id": review.ID}
}

// path fills in an operation's path; missing names a parameter without a known thing.
func (v things) path(op openapitest.Operation) (path, missing string) {
	if strings.Contains(op.Path, "/attempts") {
		v = maps.Clone(v)
		v["kind"], v["content_id"] = "quizzes", v["quiz"]
	}
	parts := strings.Split(op.Path, "/")
	for i, part := range parts {
		name, isParameter := strings.CutPrefix(part, "{")
		if !isParameter {
			continue
		}
		name = strings.TrimSuffix(name, "}")
		value, ok := v[name]
		if !ok {
			return "", name
		}
		parts[i] = value
	}
	path = strings.Join(parts, "/")
	switch {
	case strings.HasSuffix(path, "/export") && path != "/api/account/export":
		path += "?format=json"
	case path == "/api/notes/import":
		path += "?filename=a.txt"
	}
	return path, ""
}

// with adds a parameter to a path's query.
func with(path, parameter string) string {
	if strings.Contains(path, "?") {
		return path + "&" + parameter
	}
	return path + "?" + parameter
}

// fitting returns a body that an operation accepts from a user; "" if it has none.
func fitting(op openapitest.Operation, v things) string {
	switch op.Method + " " + op.Path {
	case "POST /api/ai/agent-test", "POST /api/ai/process", "POST /api/ai/process-stream":
		return fmt.Sprintf(`{"type":"chat","message":"m","user_id":%q,"session_id":%q}`, v["user"], v["session_id"])
	case "POST /api/notes", "PATCH /api/notes/{note_id}":
		return fmt.Sprintf(`{"user_id":%q,"content":"c"}`, v["user"])
	case "POST /api/ai/feedback":
		return fmt.Sprintf(`{"user_id":%q,"content_type":"flashcards","content_id":%q,"rating":1}`, v["user"], v["id"])
	case "POST /api/ai/generated-content/{kind}/{content_id}/attempts":
		return `{"answers":[{"item_id":"1","answer":"changed"}]}`
	case "PATCH /api/ai/generated-content/{kind}/{content_id}/attempts/{n}":
		return `{"item_id":"1","correct":true}`
	case "PATCH /api/ai/generated-content/{kind}/{content_id}":
		return `{"title":"t"}`
	case "POST /api/ai/generated-content/{kind}/{content_id}/items", "PATCH /api/ai/generated-content/{kind}/{content_id}/items/{item_id}":
		return `{"question":"q","answer":"a"}`
	case "POST /api/ai/generated-content/{kind}/{content_id}/merge":
		return fmt.Sprintf(`{"from":[%q]}`, v["other"])
	case "POST /api/notes/import":
		return "Chlorophyll absorbs light."
	case "POST /api/review/{card_id}":
		return fmt.Sprintf(`{"rating":3,"review_id":%q}`, newID())
	case "POST /api/review/{card_id}/suspend":
		return `{"suspended":true}`
	case "POST /api/review/{card_id}/reset", "POST /api/account/code":
		return ""
	}
	switch op.Method {
	case "POST", "PUT", "PATCH":
		return fmt.Sprintf(`{"user_id":%q}`, v["user"])
	}
	return ""
}
