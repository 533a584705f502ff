package httpapi

import (
	"strconv"

	"github.com/gofiber/fiber/v2"

	"studysharper/app/attempt"
	"studysharper/app/httpserver"
	"studysharper/app/study"
)

func (s *Server) routeAttempts(contents router) {
	contents.Post("/:kind/:content/attempts", s.claimed(s.addAttempt)) // may call the model
	contents = contents.inTurns()
	contents.Get("/:kind/:content/attempts", s.inTurn(s.attempts))
	contents.Get("/:kind/:content/attempts/:n", s.inTurn(s.attempt))
	contents.Patch("/:kind/:content/attempts/:n", s.once(s.overruleAttempt))
}

// askedAttempts is askedContent for aids that can be attempted.
func (s *Server) askedAttempts(c *fiber.Ctx) (contentAsked, error) {
	a, err := s.askedContent(c)
	if err == nil && a.of != study.Quiz && a.of != study.Exam {
		err = study.Errorf(study.CodeNotFound, "only quizzes and exams can be taken")
	}
	return a, err
}

// askedAttempt is askedAttempts for a single attempt.
func (s *Server) askedAttempt(c *fiber.Ctx) (a contentAsked, n int64, err error) {
	if a, err = s.askedAttempts(c); err != nil {
		return a, 0, err
	}
	if n, err = strconv.ParseInt(c.Params("n"), 10, 64); err != nil || n < 1 {
		err = study.Invalid([]study.Fault{{Field: "n", Detail: "must be a whole number from 1"}})
	}
	return a, n, err
}

// addAttempt answers POST /api/ai/generated-content/{kind}/{id}/attempts: it grades the answers and saves the attempt.
func (s *Server) addAttempt(c *fiber.Ctx) error {
	a, err := s.askedAttempts(c)
	if err != nil {
		return err
	}
	var body struct {
		Answers    []study.GivenAnswer `json:"answers"`
		DurationMS int64               `json:"duration_ms"`
	}
	if err := study.Decode(c.Request().Body(), &body); err != nil {
		return err
	}
	if body.DurationMS < 0 {
		return study.Invalid([]study.Fault{{Field: "duration_ms", Detail: "must not be negative"}})
	}
	saved, err := s.o.Store.Content(s.lifetime, a.user, a.of, a.id)
	if err != nil {
		return err
	}
	graded, open, err := attempt.Grade(saved, body.Answers)
	if err != nil {
		return err
	}
	httpserver.ReleaseBody(c.Context())
	graded.DurationMS = min(body.DurationMS, attempt.MaxDuration.Milliseconds())
	s.gradeOpen(c, &graded, open)
	if graded, err = s.o.Store.SaveAttempt(s.lifetime, graded); err != nil {
		return err
	}
	c.Set(fiber.HeaderLocation, "/api/ai/generated-content/"+a.kind+"/"+a.id+"/attempts/"+strconv.FormatInt(graded.N, 10))
	return c.Status(fiber.StatusCreated).JSON(graded)
}

// offlineProvider is the built-in engine, which cannot grade.
const offlineProvider = "offline"

// notGraded is the warning of an attempt whose short answers the model could not grade.
const notGraded = "the AI service could not check your short answers: compare them yourself"

// gradeOpen has the model grade the short answers that the rules call wrong. If the model cannot, the rules' verdict
// remains, with a warning, so that the attempt is not lost.
func (s *Server) gradeOpen(c *fiber.Ctx, graded *study.Attempt, open []study.OpenAnswer) {
	if len(open) == 0 || s.o.Provider == offlineProvider {
		return
	}
	right, model, err := s.askGrades(c, graded.UserID, open)
	if err != nil {
		s.o.Log.Warn("short answers not graded by the model", "content", graded.ContentID, "error", err)
	}
	for item, correct := range right {
		graded.Mark(item, correct, model)
	}
	if len(right) < len(open) {
		graded.Warnings = append(graded.Warnings, notGraded)
	}
	graded.Sum()
}

// askGrades asks the model, within the limits of agent requests.
func (s *Server) askGrades(c *fiber.Ctx, user string, open []study.OpenAnswer) (right map[string]bool, model string, err error) {
	place, err := s.holdRun(c)
	if err != nil {
		return nil, "", err
	}
	defer s.o.Admission.Runs.Release(place)
	return s.o.Runs.Grade(s.lifetime, study.Request{UserID: user, Clients: s.payers(c), Trace: traceOf(c).String()}, open)
}

// attempts answers GET /api/ai/generated-content/{kind}/{id}/attempts, newest first.
func (s *Server) attempts(c *fiber.Ctx) error {
	a, err := s.askedAttempts(c)
	if err != nil {
		return err
	}
	page, err := pageOf(c, defaultLimit)
	if err != nil {
		return err
	}
	list, next, err := s.o.Store.Attempts(s.lifetime, a.user, a.of, a.id, page)
	if err != nil {
		return err
	}
	return listed(c, fiber.Map{"attempts": list}, len(list), next)
}

// attempt answers GET /api/ai/generated-content/{kind}/{id}/attempts/{n}.
func (s *Server) attempt(c *fiber.Ctx) error {
	a, n, err := s.askedAttempt(c)
	if err != nil {
		return err
	}
	saved, err := s.o.Store.Attempt(s.lifetime, a.user, a.of, a.id, n)
	if err != nil {
		return err
	}
	return c.JSON(saved)
}

// overruleAttempt answers PATCH /api/ai/generated-content/{kind}/{id}/attempts/{n}: the student marks a short answer as
// right or wrong.
func (s *Server) overruleAttempt(c *fiber.Ctx) error {
	a, n, err := s.askedAttempt(c)
	if err != nil {
		return err
	}
	var body struct {
		ItemID  string `json:"item_id"`
		Correct *bool  `json:"correct"`
	}
	if err := study.Decode(c.Request().Body(), &body); err != nil {
		return err
	}
	if body.Correct == nil {
		return study.Invalid([]study.Fault{{Field: "correct", Detail: "is required: true or false"}})
	}
	saved, err := s.o.Store.UpdateAttempt(s.context(c), a.user, a.of, a.id, n, func(v *study.Attempt) error {
		return attempt.Overrule(v, body.ItemID, *body.Correct)
	})
	if err != nil {
		return err
	}
	return c.JSON(saved)
}
