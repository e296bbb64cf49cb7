import EventModel
import JSONTree
import Testing

@testable import ActionModel

@Suite("LLM actions")
struct LLMActionTests {
    private static let schema = #"""
        {"type":"object","properties":{"mood":{"enum":["good","bad"]}},"required":["mood"],\#
        "additionalProperties":false}
        """#

    private func llm(_ config: String) throws -> LLMAction {
        guard case .llm(let action) = try action(#"{"type":"llm","config":\#(config)}"#).config else {
            throw JSONValidationError(pointer: "", detail: "not an llm action")
        }
        return action
    }

    private func completion(_ text: String, finish: String = "stop") -> ChatCompletion {
        var completion = ChatCompletion()
        completion.text = text
        completion.finishReason = finish
        return completion
    }

    @Test("A question is rendered with everything that was set, and nothing that was not")
    func questions() throws {
        let full = try llm(
            #"""
            {"system":"Judge.","prompt":"{{data.text}} of {{subject}}","response_schema":\#(Self.schema),
             "model":"m-1","temperature":0.2,"max_tokens":50}
            """#)
        let body = try full.chat(for: firing(#"{"text":"\"a\" <b>"}"#, subject: "s"), model: "other").body
        let expected = #"""
            {"model":"m-1","messages":[{"role":"system","content":"Judge."},{"role":"user","content":"\"a\" <b> of s"}],
             "temperature":0.2,"max_tokens":50,"stream":true,"stream_options":{"include_usage":true},
             "response_format":{"type":"json_schema",
              "json_schema":{"name":"answer","strict":true,"schema":\#(Self.schema)}}}
            """#
        #expect(try json(text(body)) == (try json(expected)))
        let bare = try llm(#"{"prompt":"x"}"#).chat(for: firing("{}"), model: "other").body
        #expect(
            text(bare)
                == #"{"model":"other","messages":[{"role":"user","content":"x"}],"max_tokens":1024,"stream":true,"#
                + #""stream_options":{"include_usage":true}}"#)
    }

    @Test("Settings are checked, all at once, and nothing names an address or a key")
    func settings() throws {
        let found = problems {
            _ = try llm(
                #"""
                {"prompt":"","system":"{{","temperature":2.1,"max_tokens":0,"timeout_ms":10,"cache":"0s","model":"",
                 "emit_event_type":"collider.x","response_schema":{"type":"array"},"base_url":"http://x","api_key":"k",
                 "tools":[]}
                """#)
        }
        #expect(
            found.map { String($0.prefix { $0 != ":" }).replacing("/actions/0/config", with: "") } == [
                "/prompt", "/system", "/response_schema", "/model", "/temperature", "/max_tokens", "/timeout_ms",
                "/cache", "/emit_event_type", "/base_url", "/api_key", "/tools",
            ])
    }

    @Test("A definition is shown as it was written")
    func writing() throws {
        let config =
            #"{"system":"s","prompt":"{{a}}","response_schema":\#(Self.schema),"model":"m","temperature":0.50,"#
            + #""max_tokens":9,"timeout_ms":2000,"cache":"1h","emit_event_type":"Judged"}"#
        let whole = #"{"type":"llm","config":\#(config)}"#
        #expect(try action(whole).written(.masked) == whole)
        #expect(try action(try action(whole).written(.plain)).written(.plain) == whole)
    }

    @Test("What a model thought is told from what it said")
    func thinking() {
        for (text, said, thought) in [
            ("plain", "plain", ""),
            ("<think>a</think>\n\nb", "b", "a"),
            ("x <think>a</think>y<think>b</think> z", "x y z", "a\n\nb"),
            ("a\n</think>b", "b", "a"),
            ("<think>never done", "", "never done"),
            ("b<think></think>", "b", ""),
        ] {
            let cut = Thinking.cut(from: text)
            #expect(cut.text == said && cut.thinking == thought, "\(text)")
        }
    }

    @Test("An answer fits, or can be mended, or is given up")
    func judgements() throws {
        let asked = try llm(#"{"prompt":"x","response_schema":\#(Self.schema)}"#)
        let good = #"{"mood":"good"}"#
        let usable = LLMJudgement.usable(LLMAnswer(text: good, thinking: "", isJSON: true))
        #expect(asked.judge(completion(" \(good)\n")) == usable)
        #expect(asked.judge(completion("```json\n\(good)\n```")) == usable)
        #expect(
            asked.judge(completion("<think>hm</think>```\n\(good)\n```"))
                == .usable(LLMAnswer(text: good, thinking: "hm", isJSON: true)))
        guard case .mendable(_, let problems) = asked.judge(completion(#"{"mood":"so so"}"#)) else {
            throw JSONValidationError(pointer: "", detail: "not mendable")
        }
        #expect(problems.map(\.pointer) == ["/mood"])
        guard case .mendable = asked.judge(completion(#"{"mood":"good","mood":"bad"}"#)) else {
            throw JSONValidationError(pointer: "", detail: "a doubled key is no JSON here")
        }
        #expect(
            asked.judge(completion(#"{"mood":"#, finish: "length"))
                == .unusable("the answer was cut off at max_tokens (1024)"))
        let mended = try asked.chat(for: firing("{}"), model: "m").mending("bad", problems)
        let messages = try json(text(mended.body))["messages"]
        #expect(messages?.count == 3 && messages?[1]?["content"]?.string == "bad")
        #expect(messages?[2]?["content"]?.string?.contains(#"- /mood: must be one of "good", "bad""#) == true)

        let free = try llm(#"{"prompt":"x"}"#)
        #expect(
            free.judge(completion("<think>a</think> b"))
                == .usable(LLMAnswer(text: "b", thinking: "a", isJSON: false)))
        #expect(free.judge(completion(" ")) == .unusable("the answer is empty"))
        #expect(
            free.judge(completion("x", finish: "content_filter"))
                == .unusable("the service's content filter ended the answer"))
        var refusing = completion("")
        refusing.refusal = "no"
        #expect(free.judge(refusing) == .unusable("the model refused: no"))
    }

    @Test("Tags within the strings of an answer are part of it")
    func tagsInStrings() throws {
        let asked = try llm(
            #"{"prompt":"x","response_schema":{"type":"object","properties":{"t":{"type":"string"}}}}"#)
        let answer = #"{"t":"use <think> and </think>"}"#
        #expect(asked.judge(completion(answer)) == .usable(LLMAnswer(text: answer, thinking: "", isJSON: true)))
    }

    @Test("An event of an answer records its cause, and a chain that is too deep makes none")
    func events() throws {
        let asking = try llm(#"{"prompt":"x","emit_event_type":"Judged"}"#)
        let made = try #require(try asking.event(for: firing("{}", subject: "s")))
        let envelope = try made.envelope(data: LLMAnswer(text: "a\"b", thinking: "t", isJSON: false).data)
        #expect(envelope.type == "Judged" && envelope.subject == "s")
        #expect(text(envelope.data) == #"{"text":"a\"b"}"#)
        let metadata = try json(text(try #require(envelope.metadata)))
        #expect(metadata["depth"]?.int64 == 1 && metadata["cause"]?["event_id"] != nil)
        #expect(throws: EmitError.self) { try made.envelope(data: Array("[1]".utf8)) }
        #expect(throws: EmitError.self) {
            try made.envelope(data: Array(#"{"a":"\#(String(repeating: "x", count: 1_048_577))"}"#.utf8))
        }
        let silent = try llm(#"{"prompt":"x"}"#)
        #expect(try silent.event(for: firing("{}")) == nil)
    }
}

@Suite("Reading a chat completion")
struct ChatStreamTests {
    private static func chunk(_ members: String) -> String { "data: {\(members)}\n\n" }
    private static let streamed =
        chunk(#""choices":[{"delta":{"role":"assistant","content":""}}]"#)
        + chunk(#""choices":[{"delta":{"reasoning_content":"hm"}}]"#)
        + chunk(#""choices":[{"delta":{"content":"Hél"}}]"#) + ": ping\n\n"
        + chunk(#""choices":[{"delta":{"content":"lo"},"finish_reason":null}]"#)
        + chunk(#""choices":[{"delta":{},"finish_reason":"stop"}]"#)
        + chunk(#""choices":[],"usage":{"prompt_tokens":7,"completion_tokens":3}"#)

    private static func read(_ body: String, by size: Int = .max) throws(ChatProblem) -> ChatCompletion {
        var stream = ChatStream()
        var rest = Array(body.utf8)[...]
        while !rest.isEmpty {
            let piece = rest.prefix(size)
            rest = rest.dropFirst(size)
            if !stream.take(Array(piece)) { break }
        }
        return try stream.finish()
    }

    @Test("It is the same however it is cut", arguments: [1, 2, 7, 1_000_000])
    func pieces(size: Int) throws {
        let completion = try Self.read(Self.streamed + "data: [DONE]\n\ndata: garbage\n\n", by: size)
        #expect(completion.text == "Héllo" && completion.reasoning == "hm" && completion.finishReason == "stop")
        #expect(completion.usage == ChatCompletion.Usage(promptTokens: 7, completionTokens: 3))
    }

    @Test("A service that answers whole is understood too")
    func whole() throws {
        let body = #"""
            {"choices":[{"message":{"role":"assistant","content":"Hi","refusal":null},"finish_reason":"stop"}],
             "usage":{"prompt_tokens":1,"completion_tokens":2}}
            """#
        for size in [1, 1_000] {
            let completion = try Self.read(body, by: size)
            #expect(completion.text == "Hi" && completion.usage?.completionTokens == 2)
        }
    }

    @Test("What is no whole answer is none")
    func problems() {
        func problem(_ body: String) -> ChatProblem? {
            do throws(ChatProblem) {
                _ = try Self.read(body)
                return nil
            } catch {
                return error
            }
        }
        #expect(problem("") == .brokenOff)
        #expect(problem(Self.chunk(#""choices":[{"delta":{"content":"a"}}]"#)) == .brokenOff)
        #expect(problem(Self.chunk(#""error":{"message":"overloaded"}"#)) == .service("overloaded"))
        #expect(problem(#"{"error":"bad"}"#) == .service("bad"))
        #expect(problem("{}") == .form("it has no choices"))
        #expect(problem(#"{"choices":[]}"#) == .form("it has no choices"))
        #expect(problem("data: [1]\n\n") == .form("it is no object"))
        #expect(problem("data: {\n\n")?.description.hasPrefix("the answer is no chat completion") == true)
        let long = String(repeating: "x", count: ChatStream.maximumTextBytes)
        #expect(
            problem(
                Self.chunk(#""choices":[{"delta":{"content":"\#(long)"}}]"#)
                    + Self.chunk(#""choices":[{"delta":{"content":"y"}}]"#)) == .tooLarge)
        #expect(problem(String(repeating: ": x\n", count: 5_000_000)) == .tooLarge)
    }
}
