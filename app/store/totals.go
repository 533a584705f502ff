package store

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"time"

	"studysharper/app/study"
)

// executionSum is the sum of the executions with the same value in a column.
type executionSum struct {
	of            string
	n, ok, tokens int64
	averageMS     float64
	cost          float64
}

const maxSums = 50 // models per sum: an upstream may report any number of them

// sumExecutions sums executions by one of their columns, those with the most tokens first.
func (s *sqlStore) sumExecutions(ctx context.Context, by string, since time.Time) ([]executionSum, error) {
	scan := func(row scanner, v *executionSum) (mark, error) {
		return mark{}, row.Scan(&v.of, &v.n, &v.ok, &v.tokens, &v.averageMS, &v.cost)
	}
	query := "SELECT " + by + `, CAST(sum(n) AS BIGINT), CAST(sum(ok) AS BIGINT), CAST(sum(tokens) AS BIGINT),
		CAST(sum(millis) AS DOUBLE PRECISION) / CAST(sum(n) AS DOUBLE PRECISION), CAST(sum(cost) AS DOUBLE PRECISION)
		FROM (SELECT type, model, n, ok, millis, tokens, cost FROM execution_hours WHERE hour >= $1
		UNION ALL SELECT type, model, 1, CASE WHEN success THEN 1 ELSE 0 END, millis, tokens, cost
		FROM executions WHERE created_at >= $2 AND created_at < $3) parts
		GROUP BY ` + by + " ORDER BY 4 DESC, 2 DESC, 1 LIMIT $4"
	whole := hourOf(since.Add(time.Hour - time.Microsecond)) // the first whole hour after since
	return list(ctx, s, scan, query, whole, micros(since), whole*time.Hour.Microseconds(), maxSums)
}

// hourOf numbers the hours since 1970; those before are 0.
func hourOf(at time.Time) int64 { return max(micros(at), 0) / time.Hour.Microseconds() }

// hourSums are rows of execution_hours.
type hourSums map[hourKey]*hourSum

type hourKey struct {
	hour  int64
	typ   study.Type
	model string
}

type hourSum struct {
	n, ok, millis, tokens int64
	cost                  float64
}

func sumHours(entries []study.Execution) hourSums {
	sums := hourSums{}
	for _, e := range entries {
		key := hourKey{hourOf(e.CreatedAt), e.Type, e.Model}
		if sums[key] == nil {
			sums[key] = &hourSum{}
		}
		sum := sums[key]
		sum.n++
		if e.Success {
			sum.ok++
		}
		sum.millis, sum.tokens, sum.cost = sum.millis+e.Millis, sum.tokens+int64(e.Tokens), sum.cost+e.Cost
	}
	return sums
}

// addTo adds the sums to the table in the order of its key, so that transactions on a server do not deadlock.
func (h hourSums) addTo(ctx context.Context, t tx) error {
	const upsert = `INSERT INTO execution_hours (hour, type, model, n, ok, millis, tokens, cost) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
		ON CONFLICT (hour, type, model) DO UPDATE SET n = execution_hours.n + excluded.n, ok = execution_hours.ok + excluded.ok,
		millis = execution_hours.millis + excluded.millis, tokens = execution_hours.tokens + excluded.tokens, cost = execution_hours.cost + excluded.cost`
	keys := slices.SortedFunc(maps.Keys(h), func(a, b hourKey) int {
		return cmp.Or(cmp.Compare(a.hour, b.hour), cmp.Compare(a.typ, b.typ), cmp.Compare(a.model, b.model))
	})
	rows := make([][]any, len(keys))
	for i, k := range keys {
		v := h[k]
		rows[i] = []any{k.hour, k.typ, k.model, v.n, v.ok, v.millis, v.tokens, v.cost}
	}
	_, err := t.exec(ctx, upsert, rows...)
	return err
}

// Totals implements Store. It adds the stored sums of whole hours to the executions of the hour in which since lies.
func (s *sqlStore) Totals(ctx context.Context, since time.Time) (study.Totals, error) {
	t := study.Totals{AgentMetrics: map[study.Type]study.AgentMetrics{}, ModelMetrics: map[string]study.AgentMetrics{}}
	types, err := s.sumExecutions(ctx, "type", since)
	if err != nil {
		return study.Totals{}, err
	}
	models, err := s.sumExecutions(ctx, "model", since)
	if err != nil {
		return study.Totals{}, err
	}
	millis := 0.0
	for _, v := range types {
		t.AgentMetrics[study.Type(v.of)] = v.metrics()
		t.TotalRequests, t.Successful, t.TotalTokensUsed, t.TotalCost = t.TotalRequests+v.n, t.Successful+v.ok, t.TotalTokensUsed+v.tokens, t.TotalCost+v.cost
		millis += v.averageMS * float64(v.n)
	}
	for _, v := range models {
		t.ModelMetrics[v.of] = v.metrics()
	}
	if t.Failed = t.TotalRequests - t.Successful; t.TotalRequests > 0 {
		t.SuccessRate = 100 * float64(t.Successful) / float64(t.TotalRequests)
		t.AvgExecutionTimeMS = millis / float64(t.TotalRequests)
	}
	return t, nil
}

func (v executionSum) metrics() study.AgentMetrics {
	return study.AgentMetrics{Requests: v.n, Successful: v.ok, Failed: v.n - v.ok, TokensUsed: v.tokens, Cost: v.cost, AvgExecutionTimeMS: v.averageMS}
}
