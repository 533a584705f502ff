package store

import (
	"context"
	"time"

	"studysharper/app/study"
)

// executionSum is the sum of the executions that have something in common.
type executionSum struct {
	of            string
	n, ok, tokens int64
	averageMS     float64
	cost          float64
}

const maxSums = 50 // models of one sum: an upstream may name any number of them

// sumExecutions sums executions by one of their columns, those with the most tokens first.
func (s *sqlStore) sumExecutions(ctx context.Context, by string, since time.Time) ([]executionSum, error) {
	scan := func(row scanner, v *executionSum) (mark, error) {
		return mark{}, row.Scan(&v.of, &v.n, &v.ok, &v.tokens, &v.averageMS, &v.cost)
	}
	query := "SELECT " + by + `, count(*), count(*) FILTER (WHERE success), CAST(sum(tokens) AS BIGINT),
		CAST(avg(millis) AS DOUBLE PRECISION), CAST(sum(cost) AS DOUBLE PRECISION)
		FROM executions WHERE created_at >= $1 GROUP BY ` + by + " ORDER BY 4 DESC, 2 DESC, 1 LIMIT $2"
	return list(ctx, s, scan, query, micros(since), maxSums)
}

// Totals implements Store.
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
