package httpapi

import (
	"strconv"

	"github.com/gofiber/fiber/v2"
	"github.com/gofiber/fiber/v2/utils"

	"studysharper/app/store"
	"studysharper/app/study"
)

// The number of rows of a list page.
const (
	defaultLimit = 20
	maxLimit     = 200
)

// listing parses the parameters of every list: the user and the page.
func listing(c *fiber.Ctx) (user string, page store.Page, err error) {
	user, err = userOf(c, query(c, "user_id"))
	if err != nil {
		return "", page, err
	}
	if user == "" {
		return "", page, study.Invalid([]study.Fault{{Field: "user_id", Detail: "is required, in the query"}})
	}
	page, err = pageOf(c, defaultLimit)
	return user, page, err
}

// pageOf parses which rows of a list are requested.
func pageOf(c *fiber.Ctx, otherwise int) (store.Page, error) {
	limit, err := numberOf(c, "limit", otherwise, maxLimit)
	return store.Page{Limit: limit, Before: query(c, "before")}, err
}

// listed answers with a list: its fields, the number of rows, and the cursor to send as `before` for the next page; the
// last page has no cursor.
func listed(c *fiber.Ctx, fields fiber.Map, count int, next string) error {
	fields["status"], fields["count"] = "success", count
	if next != "" {
		fields["next_cursor"] = next
	}
	return c.JSON(fields)
}

// numberOf parses a number from 1 to most.
func numberOf(c *fiber.Ctx, name string, otherwise, most int) (int, error) {
	given := query(c, name)
	if given == "" {
		return otherwise, nil
	}
	n, err := strconv.Atoi(given)
	if err != nil || n < 1 || n > most {
		return 0, study.Invalid([]study.Fault{{Field: name, Detail: "must be a whole number from 1 to " + strconv.Itoa(most)}})
	}
	return n, nil
}

// query returns a copy of a query parameter, because Fiber reuses the request's memory.
func query(c *fiber.Ctx, name string) string { return utils.CopyString(c.Query(name)) }

func idParam(c *fiber.Ctx, name string) (string, error) {
	id, ok := study.CanonicalID(c.Params(name))
	if !ok {
		return "", study.Invalid([]study.Fault{{Field: name + "_id", Detail: "must be a UUID"}})
	}
	return utils.CopyString(id), nil
}
