package openai

import "studysharper/app/study"

// refusal is an error response of an upstream, with the expected result.
type refusal struct {
	name   string
	status int
	body   string
	want   study.Code
	next   bool   // the fallback is asked
	says   string // in the message
}

// moreRefusals are error responses of further providers.
var moreRefusals = []refusal{
	{"Groq, model", 400, `{"error":{"message":"The model ` + "`x`" + ` has been decommissioned and is no longer supported.","type":"invalid_request_error","code":"model_decommissioned"}}`, study.CodeUpstreamRefused, true, "does not know the model"},
	{"a model of the past", 410, `{"error":{"message":"The model x has been deprecated"}}`, study.CodeUpstreamRefused, true, "does not know the model"},
	{"LM Studio, no model", 404, `{"error":{"message":"No models loaded. Please load a model in the developer page or use the 'lms load' command.","type":"invalid_request_error"}}`, study.CodeUpstreamRefused, true, "does not know the model"},
	{"LM Studio, its own context", 400, `{"error":"The number of tokens to keep from the initial prompt is greater than the context length. Try to load the model with a larger context length, or provide a shorter input"}`, study.CodeTooLong, true, "too long for the model"},
	{"TGI, context", 422, `{"error":"Input validation error: ` + "`inputs`" + ` must have less than 4095 tokens. Given: 9000","error_type":"validation"}`, study.CodeTooLong, true, "too long for the model"},
	{"Mistral, context", 400, `{"object":"error","message":"Prompt contains 9000 tokens and 0 draft tokens, too large for model with 4096 maximum context length","type":"invalid_request_message_order","code":"3051"}`, study.CodeTooLong, true, "too long for the model"},
	{"DeepSeek, context", 400, `{"error":{"message":"This model's maximum context length is 65536 tokens. However, you requested 90000 tokens (89000 in the messages, 1000 in the completion). Please reduce the length of the messages or completion.","type":"invalid_request_error"}}`, study.CodeTooLong, true, "too long for the model"},
	{"xAI, context", 400, `{"code":"Client specified an invalid argument","error":"This model's maximum prompt length is 131072 but the request contains 200000 tokens."}`, study.CodeTooLong, true, "too long for the model"},
	{"Cohere, context", 400, `{"message":"too many tokens: total number of tokens in the prompt cannot exceed 4081 - received 9000. Try using a shorter prompt"}`, study.CodeTooLong, true, "too long for the model"},
	{"Bedrock, context", 400, `{"message":"Input is too long for requested model."}`, study.CodeTooLong, true, "too long for the model"},
	{"Qwen, context", 400, `{"error":{"code":"invalid_parameter_error","message":"<400> InternalError.Algo.InvalidParameter: Range of input length should be [1, 30720]","type":"invalid_request_error"}}`, study.CodeTooLong, true, "too long for the model"},
	{"Zhipu, context", 400, `{"error":{"code":"1261","message":"Prompt exceeds max length"}}`, study.CodeTooLong, true, "too long for the model"},
	{"Moonshot, context", 400, `{"error":{"message":"Invalid request: Your request exceeded model token limit: 8192","type":"invalid_request_error"}}`, study.CodeTooLong, true, "too long for the model"},
	{"Ollama, context", 400, `{"error":{"message":"the input length exceeds the context length","type":"api_error"}}`, study.CodeTooLong, true, "too long for the model"},
	{"Together, context", 422, `{"error":{"message":"Input validation error: ` + "`inputs`" + ` tokens + ` + "`max_new_tokens`" + ` must be <= 4097. Given: 9000 ` + "`inputs`" + ` tokens and 0 ` + "`max_new_tokens`" + `","type":"invalid_request_error"}}`, study.CodeTooLong, true, "too long for the model"},
	{"deepseek risk", 400, `{"error":{"message":"Content Exists Risk","type":"invalid_request_error","code":"invalid_request_error"}}`, study.CodeWithheld, false, "moderation"},
	{"anthropic filtering", 400, `{"type":"error","error":{"type":"invalid_request_error","message":"Output blocked by content filtering policy"}}`, study.CodeWithheld, false, "moderation"},
	{"xai guidelines", 400, `{"code":"The caller does not have permission","error":"Content violates usage guidelines. Failed check: SAFETY_CHECK_TYPE_BIO"}`, study.CodeWithheld, false, "moderation"},
	{"volc sensitive", 400, `{"error":{"code":"InputTextSensitiveContentDetected","message":"The request failed because the input text may contain sensitive information.","type":"BadRequest"}}`, study.CodeWithheld, false, "moderation"},
	{"moonshot risk", 400, `{"error":{"message":"The request was rejected because it was considered high risk","type":"content_filter"}}`, study.CodeWithheld, false, "moderation"},
	{"zhipu 1301", 400, `{"error":{"code":"1301","message":"系统检测到输入或生成内容可能包含不安全或敏感内容"}}`, study.CodeWithheld, false, "moderation"},
	{"openai policy", 400, `{"error":{"message":"Invalid prompt: your prompt was flagged as potentially violating our usage policy.","type":"invalid_request_error","code":"invalid_prompt"}}`, study.CodeWithheld, false, "moderation"},
	{"gemini prohibited", 400, `{"error":{"code":400,"message":"The prompt was blocked due to PROHIBITED_CONTENT","status":"INVALID_ARGUMENT"}}`, study.CodeWithheld, false, "moderation"},
	{"bedrock guardrail", 400, `{"message":"Guardrail blocked the request"}`, study.CodeWithheld, false, "moderation"},
	{"qwen inspection", 400, `{"error":{"code":"data_inspection_failed","message":"Input data may contain inappropriate content."}}`, study.CodeWithheld, false, "moderation"},
	{"openai quota", 429, `{"error":{"message":"You exceeded your current quota, please check your plan and billing details.","type":"insufficient_quota","code":"insufficient_quota"}}`, study.CodeCredit, true, "no credit left"},
	{"anthropic credit", 400, `{"type":"error","error":{"type":"invalid_request_error","message":"Your credit balance is too low to access the Anthropic API."}}`, study.CodeCredit, true, "no credit left"},
	{"deepseek balance", 402, `{"error":{"message":"Insufficient Balance","type":"unknown_error","code":"invalid_request_error"}}`, study.CodeCredit, true, "no credit left"},
	{"siliconflow", 403, `{"code":30001,"message":"Sorry, your account balance is insufficient","data":null}`, study.CodeCredit, true, "no credit left"},
	{"zhipu 1113", 429, `{"error":{"code":"1113","message":"余额不足或无可用资源包,请充值。"}}`, study.CodeCredit, true, "no credit left"},
	{"xai credits", 429, `{"code":"Some resource has been exhausted","error":"Your team has either used all available credits or reached its monthly spending limit."}`, study.CodeCredit, true, "no credit left"},
	{"hf monthly", 402, `{"error":"You have exceeded your monthly included credits for Inference Providers."}`, study.CodeCredit, true, "no credit left"},
	{"billing inactive", 429, `{"error":{"message":"Your account is not active, please check your billing details on our website.","type":"billing_not_active","code":"billing_not_active"}}`, study.CodeCredit, true, "no credit left"},
	{"insufficient fund", 403, `{"error":{"message":"Insufficient funds"}}`, study.CodeCredit, true, "no credit left"},
	{"mistral key", 401, `{"message":"Unauthorized"}`, study.CodeUpstreamRefused, true, "rejected this server's API key"},
	{"groq key", 401, `{"error":{"message":"Invalid API Key","type":"invalid_request_error","code":"invalid_api_key"}}`, study.CodeUpstreamRefused, true, "rejected this server's API key"},
	{"xai key", 400, `{"code":"Client specified an invalid argument","error":"Incorrect API key provided: sk***. You can obtain an API key from https://console.x.ai."}`, study.CodeUpstreamRefused, true, "rejected this server's API key"},
	{"hf key", 401, `{"error":"Invalid username or password."}`, study.CodeUpstreamRefused, true, "rejected this server's API key"},
	{"azure key", 401, `{"error":{"code":"401","message":"Access denied due to invalid subscription key or wrong API endpoint."}}`, study.CodeUpstreamRefused, true, "rejected this server's API key"},
	{"gemini miss", 403, `{"error":{"code":403,"message":"Method doesn't allow unregistered callers","status":"PERMISSION_DENIED"}}`, study.CodeUpstreamRefused, true, "rejected this server's API key"},
	{"gemini exp", 400, `[{"error":{"code":400,"message":"API key expired. Please renew the API key.","status":"INVALID_ARGUMENT","details":[{"reason":"API_KEY_INVALID"}]}}]`, study.CodeUpstreamRefused, true, "rejected this server's API key"},
	{"407", 407, ``, study.CodeUpstreamRefused, true, "rejected this server's API key"},
	{"html 401", 401, `<html>401 Authorization Required</html>`, study.CodeUpstreamRefused, true, "rejected this server's API key"},
	{"200 key", 200, `{"error":{"message":"Invalid API key","type":"authentication_error"}}`, study.CodeUpstreamRefused, true, "rejected this server's API key"},
	{"zhipu token", 401, `{"error":{"code":"1000","message":"身份验证失败。"}}`, study.CodeUpstreamRefused, true, "rejected this server's API key"},
	{"minimax", 200, `{"base_resp":{"status_code":1004,"status_msg":"login fail: Please carry the API secret key"}}`, study.CodeUpstreamRefused, true, "rejected this server's API key"},
	{"Cloudflare, in front", 403, `<!DOCTYPE html><html><head><title>Just a moment...</title></head></html>`, study.CodeUpstreamRefused, true, "firewall"},
	{"vLLM, an error as a 200", 200, `{"object":"error","message":"This model's maximum context length is 4096 tokens, however you requested 9000 tokens.","type":"BadRequestError","code":400}`, study.CodeTooLong, true, "takes 4096"},
	{"a list of errors as a 200", 200, `{"success":false,"errors":[{"code":10000,"message":"Invalid API key"}],"result":null}`, study.CodeUpstreamRefused, true, "rejected this server's API key"},
	{"Gemini, a blocked prompt", 200, `{"choices":[],"promptFeedback":{"blockReason":"PROHIBITED_CONTENT"}}`, study.CodeWithheld, false, "withheld"},
}
