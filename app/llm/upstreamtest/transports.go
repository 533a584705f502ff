package upstreamtest

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"strings"
)

// transport sends a text in an unusual way; it returns nil for a form in which the behaviour does not exist.
type transport func(text string, stream bool) []byte

var transports = map[string]transport{
	"content_parts": chunked12(func(text string) (message, delta object) {
		return object{"content": []any{thought, object{"type": "text", "text": text}}}, object{"content": []any{object{"type": "text", "text": text}}}
	}, object{"content": []any{thought}}),
	"reasoning_content": chunked12(func(text string) (message, delta object) {
		return object{"content": text, "reasoning_content": `First I think {"flashcards": []}`, "reasoning": "x"}, object{"content": text}
	}, object{"reasoning_content": "think {"}),
	"two_choices": func(text string, stream bool) []byte {
		if !stream {
			other := object{"index": 1, "message": object{"role": "assistant", "content": "OTHER"}, "finish_reason": "stop"}
			first := object{"index": 0, "message": object{"role": "assistant", "content": text}, "finish_reason": "stop"}
			return []byte(jsonHead + plainBody(object{}, "stop", object{"choices": []any{first, other}}))
		}
		list := chunks(text, "stop")
		for _, c := range list[:len(list)-1] {
			c["choices"] = append(c["choices"].([]any), object{"index": 1, "delta": object{"content": "OTHER"}, "finish_reason": nil})
		}
		return []byte(sseHead + events(list))
	},
	"usage_floats":  withUsage(object{"prompt_tokens": 100.0, "completion_tokens": "20", "total_tokens": 120.5, "cost": 0.0012}),
	"usage_missing": withUsage(nil),
	"nulls_everywhere": func(text string, stream bool) []byte {
		if !stream {
			first := object{"index": nil, "message": object{"role": "assistant", "content": text, "refusal": nil, "tool_calls": nil}, "finish_reason": "stop"}
			return []byte(jsonHead + encode(object{"error": nil, "model": nil, "created": "1", "choices": []any{first}, "usage": nil}))
		}
		return []byte(sseHead + events(changed(text, func(c object) {
			c["error"], c["model"], c["created"], c["usage"] = nil, nil, "1", nil
			if list := c["choices"].([]any); len(list) > 0 {
				list[0].(object)["index"] = nil
			}
		})))
	},
	"message_and_delta": streamOnly(func(text string) string { return events(sofar(text, "message")) }),
	"cumulative_deltas": streamOnly(func(text string) string { return events(sofar(text, "delta")) }),
	"sse_comments": streamOnly(func(text string) string {
		return ": OPENROUTER PROCESSING\n\n: OPENROUTER PROCESSING\n\n" + strings.ReplaceAll(events(chunks(text, "stop")), "\n\n", "\n\n:\n\n")
	}),
	"sse_crlf_nospace": streamOnly(func(text string) string {
		return strings.NewReplacer("\n", "\r\n", "data: ", "event: message\r\nid: 1\r\ndata:").Replace(events(chunks(text, "stop")))
	}),
	"sse_cr_only": streamOnly(func(text string) string { return strings.ReplaceAll(events(chunks(text, "stop")), "\n", "\r") }),
	"sse_multiline": streamOnly(func(text string) string {
		var b strings.Builder
		for _, c := range chunks(text, "stop") {
			raw, _ := json.MarshalIndent(c, "", " ")
			b.WriteString("data: " + strings.ReplaceAll(string(raw), "\n", "\ndata: ") + "\n\n")
		}
		return b.String() + done
	}),
	"sse_no_done_open": streamOnly(func(text string) string { return strings.TrimSuffix(events(chunks(text, "stop")), done) }),
	"sse_no_finish": streamOnly(func(text string) string {
		list := chunks(text, "stop")
		return strings.TrimSuffix(events(list[:len(list)-2]), done)
	}),
	"sse_done_no_lf": streamOnly(func(text string) string { return strings.TrimSpace(events(chunks(text, "stop"))) }),
	"sse_no_ctype": func(text string, stream bool) []byte {
		if !stream {
			return nil
		}
		return []byte("HTTP/1.1 200 X\r\nConnection: close\r\n\r\n" + events(chunks(text, "stop")))
	},
	"sse_for_plain":  func(text string, _ bool) []byte { return Answer(text, "stop", true) },
	"sse_split_utf8": streamOnly(func(text string) string { return events(chunks(text+" ", "stop")) }),
	"sse_usual": streamOnly(func(text string) string {
		return event(object{"id": "", "object": "", "created": 0, "model": "", "choices": []any{}, "prompt_filter_results": []any{object{"prompt_index": 0}}}) +
			events(changed(text, func(c object) { c["usage"] = usage }))
	}),
	"json_for_stream": func(text string, _ bool) []byte { return Answer(text, "stop", false) },
	"leading_blank_lines": func(text string, stream bool) []byte {
		head, body, _ := bytes.Cut(Answer(text, "stop", stream), []byte("\r\n\r\n"))
		return fmt.Appendf(nil, "%s\r\n\r\n\n\n         \n%s", head, body)
	},
	"gzip_body": func(text string, stream bool) []byte {
		head, body, _ := bytes.Cut(Answer(text, "stop", stream), []byte("\r\n\r\n"))
		var zipped bytes.Buffer
		z := gzip.NewWriter(&zipped)
		_, _ = z.Write(body) // writing to memory cannot fail
		_ = z.Close()
		return fmt.Appendf(nil, "%s\r\nContent-Encoding: gzip\r\n\r\n%s", head, zipped.Bytes())
	},
	"chunked": func(text string, stream bool) []byte {
		head, body, _ := bytes.Cut(Answer(text, "stop", stream), []byte("\r\n\r\n"))
		out := fmt.Appendf(nil, "%s\r\nTransfer-Encoding: chunked\r\n\r\n", head)
		for size := 1; len(body) > 0; size = size%17 + 3 {
			n := min(size, len(body))
			out = fmt.Appendf(out, "%x\r\n%s\r\n", n, body[:n])
			body = body[n:]
		}
		return append(out, "0\r\n\r\n"...)
	},
}

var thought = object{"type": "thinking", "thinking": []any{object{"type": "text", "text": "let me think {"}}}

// chunked12 writes a text as the message of a plain body, or as deltas after a first delta.
func chunked12(write func(text string) (message, delta object), first object) transport {
	return func(text string, stream bool) []byte {
		if !stream {
			message, _ := write(text)
			return []byte(jsonHead + plainBody(message, "stop", nil))
		}
		list := []object{chunk(first, nil)}
		for _, piece := range pieces(text) {
			_, delta := write(piece)
			list = append(list, chunk(delta, nil))
		}
		return []byte(sseHead + events(append(list, chunk(object{}, "stop"))))
	}
}

// streamOnly is for behaviours that only streams have.
func streamOnly(write func(text string) string) transport {
	return func(text string, stream bool) []byte {
		if !stream {
			return nil
		}
		return []byte(sseHead + write(text))
	}
}

// withUsage replaces or removes the usage.
func withUsage(told object) transport {
	return func(text string, stream bool) []byte {
		list := chunks(text, "stop")
		if told == nil {
			list = list[:len(list)-1]
		} else {
			list[len(list)-1]["usage"] = told
		}
		if stream {
			return []byte(sseHead + events(list))
		}
		more := object{"usage": nil}
		if told != nil {
			more["usage"] = told
		}
		return []byte(jsonHead + plainBody(object{"content": text}, "stop", more))
	}
}

// changed returns the chunks of a text, each changed.
func changed(text string, change func(object)) []object {
	list := chunks(text, "stop")
	for _, c := range list {
		change(c)
	}
	return list
}

// sofar returns chunks that contain the whole text so far, as the delta or in a message next to it.
func sofar(text, field string) []object {
	list := chunks(text, "stop")
	whole := ""
	for _, c := range list[1 : len(list)-2] {
		first := c["choices"].([]any)[0].(object)
		whole += first["delta"].(object)["content"].(string)
		first[field] = object{"role": "assistant", "content": whole}
	}
	return list
}
