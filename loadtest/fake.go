package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"studysharper/loadtest/command"
	"studysharper/loadtest/fakellm"
)

// serveFake serves a fake language model until ctx ends.
func serveFake(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	listen, o, err := parseFake(args, stderr)
	if err != nil {
		return command.Misused(err)
	}
	listener, err := net.Listen("tcp", listen)
	if err != nil {
		return err
	}
	fake := fakellm.New(o)
	server := &http.Server{Handler: fake, ReadHeaderTimeout: 10 * time.Second}
	// Close and not Shutdown, which would wait for calls that hang on purpose.
	defer context.AfterFunc(ctx, func() { _ = server.Close() })()
	fmt.Fprintf(stdout, "Fake model at http://%s/v1, its rules at /control\n", listener.Addr())
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	n := fake.Counts()
	fmt.Fprintf(stdout, "Answered %d calls, cut off %d, abandoned by their callers %d\n", n.Completed, n.Broken, n.Cancelled)
	return nil
}

// parseFake parses the flags: the first rule's, and the pace of the calls to which it does not apply.
func parseFake(args []string, stderr io.Writer) (listen string, o fakellm.Options, err error) {
	var r fakellm.Rule
	var latency time.Duration
	var errorShare, cutShare float64
	fs := flag.NewFlagSet("loadtest fakellm", flag.ContinueOnError)
	fs.StringVar(&listen, "listen", "127.0.0.1:9999", "`address` to listen at")
	fs.StringVar(&o.Key, "key", "", "required bearer key; empty: any")
	fs.DurationVar(&latency, "latency", 0, "delay before the headers of an answer")
	fs.Float64Var(&r.TokensPerSecond, "tokens-per-second", 0, "pace of a stream; 0: at once")
	fs.IntVar(&r.Comments, "comments", 0, "comment lines before the first token")
	fs.StringVar((*string)(&r.Fault), "fault", "", fmt.Sprintf("how to misbehave: one of %s", fakellm.Faults()))
	fs.IntVar(&r.Status, "status", 0, "status or code of an error answer; 0: 500")
	fs.StringVar(&r.RetryAfter, "retry-after", "", "header of an error answer")
	fs.BoolVar(&r.NumericCode, "numeric-code", false, "error objects have a number as their code")
	fs.StringVar(&r.Location, "location", "", "target of a redirect")
	fs.IntVar(&r.AfterTokens, "after-tokens", 3, "tokens sent before a fault in the middle of a stream")
	fs.IntVar(&r.Lines, "lines", 1, "number of bad lines")
	fs.Int64Var(&r.Bytes, "bytes", 0, "size of a huge answer; 0: 100 MB")
	fs.StringVar(&r.Model, "model", "", "misbehave only for this `model`")
	fs.IntVar(&r.Every, "every", 0, "misbehave only in every n-th call")
	fs.IntVar(&r.Times, "times", 0, "misbehave only this many times; 0: no limit")
	fs.Float64Var(&r.Share, "share", 0, "misbehave only in this share of the calls, 0 to 1; 0: all")
	fs.Float64Var(&errorShare, "error-share", 0, "answer this share of the calls with -status, in addition to -fault")
	fs.Float64Var(&cutShare, "cut-share", 0, "cut off this share of the calls after -after-tokens, in addition to -fault")
	if err := command.ParseOnlyFlags(fs, args, "usage: loadtest fakellm [flags]\n", stderr); err != nil {
		return "", o, err
	}
	r.LatencyMS = int(latency.Milliseconds())
	well := fakellm.Rule{LatencyMS: r.LatencyMS, TokensPerSecond: r.TokensPerSecond, Comments: r.Comments}
	for _, some := range []fakellm.Rule{{Fault: fakellm.Status, Share: errorShare}, {Fault: fakellm.Cut, Share: cutShare}} {
		if some.Share != 0 {
			some.Status, some.RetryAfter, some.AfterTokens = r.Status, r.RetryAfter, r.AfterTokens
			some.LatencyMS, some.TokensPerSecond, some.Comments = well.LatencyMS, well.TokensPerSecond, well.Comments
			o.Rules = append(o.Rules, some)
		}
	}
	o.Rules = append(o.Rules, r, well)
	return listen, o, fakellm.New(fakellm.Options{}).SetRules(o.Rules...)
}
