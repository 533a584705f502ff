package library

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"

	"github.com/google/uuid"

	"studysharper/app/study"
)

// MaxItemText is the maximum size of one text of an item, in bytes.
const MaxItemText = 8 << 10

// Add appends an item, given as JSON with the fields of the aid's items, under a new id. Missing fields get default
// values. In an exam, the item is added to the section whose number, from 1, is in the field "section"; by default to
// the last section.
func Add(a study.Aid, given json.RawMessage) (Item, error) {
	var at struct {
		Section *int    `json:"section"`
		Point   *string `json:"point"`
	}
	if err := json.Unmarshal(given, &at); err != nil {
		return Item{}, study.Errorf(study.CodeMalformed, "the body is not an item")
	}
	lists := listsOf(a)
	if len(lists) == 0 {
		return Item{}, noItems()
	}
	to := lists[0]
	if _, is := a.(*study.SummarySet); is && at.Point == nil {
		to = lists[1]
	}
	if exam, is := a.(*study.ExamSet); is {
		n := len(exam.Exam.Sections)
		if at.Section != nil {
			n = *at.Section
		}
		if n < 1 || n > len(lists) {
			return Item{}, study.Invalid([]study.Fault{{Field: "section", Detail: "must be the number of one of the exam's sections"}})
		}
		to = lists[n-1]
		given = without(given, "section")
	}
	value := newValue(to)
	if err := study.Decode(without(given, own...), value); err != nil {
		return Item{}, err
	}
	*idOf(value) = uuid.NewString()
	fillOpen(a, value)
	if err := check(a, value); err != nil {
		return Item{}, err
	}
	to.add(value)
	settle(a)
	return Find(a, *idOf(value))
}

// Change replaces the given fields of an item.
func Change(a study.Aid, id string, given json.RawMessage) (Item, error) {
	it, err := Find(a, id)
	if err != nil {
		return Item{}, err
	}
	if err := study.Decode(without(given, own...), it.Value); err != nil {
		return Item{}, err
	}
	if err := check(a, it.Value); err != nil {
		return Item{}, err
	}
	settle(a)
	return Find(a, id)
}

// Remove removes an item from an aid.
func Remove(a study.Aid, id string) error {
	if _, err := Find(a, id); err != nil {
		return err
	}
	Keep(a, func(other string) bool { return other != id })
	return nil
}

// Moved is the new id of an item of a merged aid. To is "" if the other aid already had an equal item.
type Moved struct{ From, To string }

// Merge appends the items of one aid to another of the same type; only flashcards and quizzes can be merged. Items that
// equal an existing item are left out.
func Merge(into, from study.Aid) ([]Moved, error) {
	switch into.(type) {
	case *study.FlashcardSet, *study.QuizSet:
	default:
		return nil, study.Errorf(study.CodeInvalid, "only flashcards and quizzes can be merged")
	}
	to := listsOf(into)[0]
	said, taken := make(map[string]bool), make(map[string]bool)
	for _, it := range Items(into) {
		said[wording(it.Value)], taken[it.ID] = true, true
	}
	var moved []Moved
	for _, it := range Items(from) {
		m := Moved{From: it.ID}
		if key := wording(it.Value); !said[key] {
			said[key] = true
			if m.To = it.ID; taken[it.ID] {
				m.To = uuid.NewString()
			}
			taken[m.To] = true
			*idOf(it.Value) = m.To
			to.add(it.Value)
		}
		moved = append(moved, m)
	}
	settle(into)
	return moved, nil
}

// wording is equal for items with the same question and answer.
func wording(value any) string {
	switch v := value.(type) {
	case *study.Flashcard:
		return study.Item{Item: *v}.Key() + "\n" + strings.ToLower(strings.Join(strings.Fields(v.Answer), " "))
	case *study.Question:
		return study.Item{Item: *v}.Key()
	default:
		return *idOf(value)
	}
}

func noItems() error {
	return study.Errorf(study.CodeInvalid, "an analysis has no items to edit")
}

func newValue(of list) any {
	switch of.(type) {
	case slice[study.Flashcard]:
		return &study.Flashcard{}
	case slice[study.Question]:
		return &study.Question{}
	case slice[study.MainPoint]:
		return &study.MainPoint{}
	case slice[study.KeyTerm]:
		return &study.KeyTerm{}
	default:
		return &study.PlanSession{}
	}
}

// fillOpen sets the fields of a new item that were not given.
func fillOpen(a study.Aid, value any) {
	switch v := value.(type) {
	case *study.Flashcard:
		v.Difficulty = cmp.Or(v.Difficulty, study.Medium)
		if set := a.(*study.FlashcardSet); v.Topic == "" && len(set.TopicsCovered) > 0 {
			v.Topic = set.TopicsCovered[0]
		}
		v.Topic = cmp.Or(v.Topic, "My own cards")
	case *study.Question:
		v.Points = cmp.Or(v.Points, 1)
		if _, exam := a.(*study.ExamSet); exam && v.Type == study.ShortAnswer {
			v.Rubric = cmp.Or(v.Rubric, "Full points for what the sample answer says, in any words.")
		}
	case *study.MainPoint:
		v.Importance = cmp.Or(v.Importance, study.Medium)
	case *study.PlanSession:
		v.Minutes = cmp.Or(v.Minutes, 30)
		if plan := a.(*study.PlanSet); v.Day == 0 && len(plan.Plan.Sessions) > 0 {
			v.Day = plan.Plan.Sessions[len(plan.Plan.Sessions)-1].Day
		}
		v.Day = max(v.Day, 1)
	}
}

func check(a study.Aid, value any) error {
	faults := study.ItemFaults(a.Type(), value)
	for _, s := range textsOf(value) {
		if len(s) > MaxItemText {
			faults = append(faults, study.Fault{Field: "item", Detail: "has a text of more than 8 KiB"})
			break
		}
	}
	return study.Invalid(faults)
}

// settle updates the fields of an aid that are derived from its items.
func settle(a study.Aid) {
	switch s := a.(type) {
	case *study.FlashcardSet:
		s.TotalCount, s.TopicsCovered = len(s.Flashcards), []string{}
		for _, c := range s.Flashcards {
			if !slices.Contains(s.TopicsCovered, c.Topic) {
				s.TopicsCovered = append(s.TopicsCovered, c.Topic)
			}
		}
	case *study.QuizSet:
		s.TotalPoints = points(s.Quiz.Questions)
	case *study.ExamSet:
		s.Exam.TotalPoints = 0
		for _, section := range s.Exam.Sections {
			s.Exam.TotalPoints += points(section.Questions)
		}
	case *study.PlanSet:
		slices.SortStableFunc(s.Plan.Sessions, func(x, y study.PlanSession) int { return cmp.Compare(x.Day, y.Day) })
	}
}

func points(questions []study.Question) (sum int) {
	for _, q := range questions {
		sum += q.Points
	}
	return sum
}

// own are the fields of an item that students cannot set; clients often send them back unchanged.
var own = []string{"id", "source", "unverified"}

// without returns a JSON object without some of its fields.
func without(object json.RawMessage, names ...string) json.RawMessage {
	var fields map[string]json.RawMessage
	if json.Unmarshal(object, &fields) != nil || fields == nil {
		return object
	}
	for _, name := range names {
		delete(fields, name)
	}
	rest, err := json.Marshal(fields)
	if err != nil {
		return object
	}
	return rest
}
