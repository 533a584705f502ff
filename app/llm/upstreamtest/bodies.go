package upstreamtest

import (
	"encoding/json"
	"fmt"
	"strings"
)

// object is a JSON object.
type object = map[string]any

const (
	jsonHead = "HTTP/1.1 200 X\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n"
	sseHead  = "HTTP/1.1 200 X\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"
)

var usage = object{"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120}

func encode(v any) string {
	raw, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(raw)
}

// pieces splits a text into pieces of 12 characters.
func pieces(text string) (list []string) {
	runes := []rune(text)
	for i := 0; i < len(runes); i += 12 {
		list = append(list, string(runes[i:min(i+12, len(runes))]))
	}
	return list
}

// plainBody returns a response with one choice.
func plainBody(message object, finish any, more object) string {
	message["role"] = "assistant"
	reply := object{"id": "gen-1", "object": "chat.completion", "created": 1, "model": "test/model", "usage": usage,
		"choices": []any{object{"index": 0, "message": message, "finish_reason": finish}}}
	for key, value := range more {
		if value == nil {
			delete(reply, key)
			continue
		}
		reply[key] = value
	}
	return encode(reply)
}

// chunk returns a chunk of a stream.
func chunk(delta object, finish any) object {
	return object{"id": "gen-1", "object": "chat.completion.chunk", "created": 1, "model": "test/model",
		"choices": []any{object{"index": 0, "delta": delta, "finish_reason": finish}}}
}

// event formats a chunk as an event.
func event(chunk any) string { return "data: " + encode(chunk) + "\n\n" }

const done = "data: [DONE]\n\n"

// chunks returns the chunks of a text, including the last one.
func chunks(text, finish string) (list []object) {
	list = append(list, chunk(object{"role": "assistant", "content": ""}, nil))
	for _, piece := range pieces(text) {
		list = append(list, chunk(object{"content": piece}, nil))
	}
	return append(list, chunk(object{}, finish), object{"id": "gen-1", "choices": []any{}, "usage": usage})
}

// events returns a stream of chunks.
func events(list []object) string {
	var b strings.Builder
	for _, c := range list {
		b.WriteString(event(c))
	}
	return b.String() + done
}

// Answer returns a typical response with a text, plain or streamed. finish is its finish_reason.
func Answer(text, finish string, stream bool) []byte {
	if stream {
		return []byte(sseHead + events(chunks(text, finish)))
	}
	return []byte(jsonHead + plainBody(object{"content": text}, finish, nil))
}

// Refusal returns a response with a status other than 200.
func Refusal(status int, header, body string) []byte {
	return fmt.Appendf(nil, "HTTP/1.1 %d X\r\nContent-Type: application/json\r\nConnection: close\r\n%s\r\n%s", status, header, body)
}
