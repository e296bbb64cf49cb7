import ActionModel
import EventModel
import HTTPWire
import JSONTree
import Logging
import Runtime

/// One attempt of an `llm` action: asks, holds the answer against the schema, has it mended once, and keeps account.
struct LLMAttempt {
    /// Why an attempt ends without an answer.
    private enum Stop: Error {
        case failed(AttemptResult.Failure, String)
        case refused(HTTPResponse)
        case putOff(ReceiverLimit)
    }

    let sender: LLMSender
    let action: LLMAction
    let chat: Chat
    let event: AnswerEvent?
    let url: String
    let headers: [HTTPRequest.Header]
    let organizationID: UniqueID
    private let start = ContinuousClock.now
    private var usage: ChatCompletion.Usage?
    private var trace: HTTPTrace?

    init(
        sender: LLMSender, action: LLMAction, chat: Chat, event: AnswerEvent?, url: String,
        headers: [HTTPRequest.Header], organizationID: UniqueID
    ) {
        self.sender = sender
        self.action = action
        self.chat = chat
        self.event = event
        self.url = url
        self.headers = headers
        self.organizationID = organizationID
    }

    /// Makes the attempt; every failure is in its result.
    mutating func run() async -> SentAttempt {
        let key = action.cache == nil ? nil : sender.digest(of: chat)
        if let key, let kept = await keptAnswer(key) { return finish(kept, isRepaired: false, isKept: true) }
        do throws(Stop) {
            let first = try await ask(chat)
            switch action.judge(first) {
            case .usable(let answer): return await accept(answer, isRepaired: false, key)
            case .unusable(let reason): return unusable(reason, first)
            case .mendable(let text, let problems): return try await mend(text, problems, key)
            }
        } catch {
            return ended(error)
        }
    }

    private mutating func mend(
        _ text: String, _ problems: [JSONProblem], _ key: [UInt8]?
    ) async throws(Stop) -> SentAttempt {
        let second = try await ask(chat.mending(text, problems))
        switch action.judge(second) {
        case .usable(let answer): return await accept(answer, isRepaired: true, key)
        case .unusable(let reason): return unusable(reason, second)
        case .mendable(_, let problems):
            let list = JSONValidationError(Array(problems.prefix(5))).description
            return unusable("the answer does not fit the schema, nor did the one before: \(list)", second)
        }
    }

    // MARK: - Asking

    private mutating func ask(_ chat: Chat) async throws(Stop) -> ChatCompletion {
        let body = chat.body
        let day = try await reserve(chat.estimatedTokens)
        let left = Duration.milliseconds(action.timeoutMilliseconds) - start.duration(to: .now)
        let request = HTTPRequest(
            "POST", url, headers: headers, body: body, timeout: max(left, .milliseconds(1)))
        let collector = ChatCollector()
        let asked = ContinuousClock.now
        var use = ModelUse()
        use.requests = 1
        let outcome: Result<HTTPResponse, HTTPError>
        do throws(HTTPError) {
            outcome = .success(try await sender.client.read(request) { collector.take($0) })
        } catch {
            outcome = .failure(error)
        }
        use.microseconds = asked.microsecondsSince
        switch outcome {
        case .success(let response) where (200..<300).contains(response.status):
            trace = response.trace
            return try await read(collector.finish(), of: chat, &use, day)
        case .success(let response):
            trace = response.trace
            await settle(use, released: chat.estimatedTokens, day)
            throw .refused(response)
        case .failure(let error):
            trace = error.trace
            // Whoever was connected to may have begun to work: what was set aside stays so.
            let isUnused = [.resolution, .connection, .tls, .invalidRequest, .overloaded].contains(error.code)
            await settle(use, released: isUnused ? chat.estimatedTokens : 0, day)
            sender.logger.warning("llm.failed", metadata: ["error": "\(error)"])
            throw .failed(AttemptResult.Failure(error.code), Self.words(error.code))
        }
    }

    private mutating func read(
        _ answer: Result<ChatCompletion, ChatProblem>, of chat: Chat, _ use: inout ModelUse, _ day: Int64?
    ) async throws(Stop) -> ChatCompletion {
        switch answer {
        case .success(let completion):
            use.usage = completion.usage ?? chat.estimatedUsage(of: completion)
            LLMMetrics.used(use.usage)
            usage = usage.map { $0 + use.usage } ?? use.usage
            await settle(use, released: chat.estimatedTokens, day)
            return completion
        case .failure(let problem):
            await settle(use, released: 0, day)
            throw .failed(.response, sender.redaction(problem.description))
        }
    }

    /// In words that don't name the operator's machine, which is nobody else's business.
    private static func words(_ code: HTTPError.Code) -> String {
        switch code {
        case .timeout: "the language model did not answer in time"
        case .tls: "the language model's certificate or handshake was refused"
        case .response: "what the language model sent is no answer"
        case .cancelled, .closed: "the attempt was ended"
        default: "the language model can't be reached"
        }
    }

    // MARK: - Account

    private func reserve(_ tokens: Int64) async throws(Stop) -> Int64? {
        guard let ledger = sender.ledger else { return nil }
        let decision: BudgetDecision
        do {
            decision = try await ledger.reserve(tokens: tokens, organizationID: organizationID)
        } catch {
            sender.logger.warning("llm.budget_unknown", metadata: ["error": "\(error)"])
            throw .failed(.connection, "the budget can't be looked up now")
        }
        switch decision {
        case .granted(let day): return day
        case .exhausted(let reason, let microseconds):
            throw .putOff(ReceiverLimit(for: .microseconds(microseconds), reason: reason))
        }
    }

    private func settle(_ use: ModelUse, released: Int64, _ day: Int64?) async {
        guard let ledger = sender.ledger, let day else { return }
        do {
            try await ledger.settle(use, released: released, day: day, organizationID: organizationID)
        } catch {
            // What was set aside stays so: the budget errs on the safe side.
            sender.logger.warning("llm.use_not_booked", metadata: ["error": "\(error)"])
        }
    }

    private func keptAnswer(_ key: [UInt8]) async -> LLMAnswer? {
        do {
            return try await sender.ledger?.keptAnswer(key, organizationID: organizationID)
        } catch {
            sender.logger.warning("llm.cache_not_read", metadata: ["error": "\(error)"])
            return nil
        }
    }

    private func accept(_ answer: LLMAnswer, isRepaired: Bool, _ key: [UInt8]?) async -> SentAttempt {
        if let key, let time = action.cache {
            do {
                try await sender.ledger?.keep(answer, for: time, key: key, organizationID: organizationID)
            } catch {
                sender.logger.warning("llm.answer_not_kept", metadata: ["error": "\(error)"])
            }
        }
        return finish(answer, isRepaired: isRepaired, isKept: false)
    }
}

// MARK: - What is written down

extension LLMAttempt {
    private var request: String {
        let body = sender.redaction(Array(chat.body.prefix(OutboundRequest.excerptLimit)))
        return "POST /chat/completions\n\n" + String(decoding: body, as: UTF8.self)
    }

    private func finish(_ answer: LLMAnswer, isRepaired: Bool, isKept: Bool) -> SentAttempt {
        var envelope: EventEnvelope?
        do throws(EmitError) {
            envelope = try event?.envelope(data: answer.data)
        } catch {
            return failed(.unusableAnswer, "the answer can be no event: \(error)")
        }
        var writer = JSONWriter()
        writer.object {
            $0.member("cached", isKept)
            $0.member("repaired", isRepaired)
            write(usage, to: &$0)
            if answer.isJSON {
                $0.memberRaw("answer", Array(answer.text.utf8))
            } else {
                $0.member("answer", answer.text)
            }
            if !answer.thinking.isEmpty { $0.member("thinking", answer.thinking) }
        }
        LLMMetrics.ended(isKept ? .cached : isRepaired ? .repaired : .usable)
        let result = AttemptResult(
            statusCode: 200, body: sender.redaction(writer.bytes), durationMicroseconds: start.microsecondsSince)
        return SentAttempt(result: detailed(result), request: request, event: envelope)
    }

    /// The address stays the operator's own.
    private func detailed(_ result: AttemptResult) -> AttemptResult {
        guard let trace else { return result }
        var result = result
        result.details = OutboundRequest.details(method: "POST", url: "/chat/completions", trace)
        result.details.address = nil
        return result
    }

    private func unusable(_ reason: String, _ completion: ChatCompletion) -> SentAttempt {
        var writer = JSONWriter()
        writer.object {
            $0.member("finish_reason", completion.finishReason)
            write(usage, to: &$0)
            $0.member("answer", completion.text)
            if !completion.reasoning.isEmpty { $0.member("thinking", completion.reasoning) }
        }
        return failed(.unusableAnswer, reason, body: writer.bytes)
    }

    private func write(_ usage: ChatCompletion.Usage?, to writer: inout JSONWriter) {
        guard let usage else { return }
        writer.key("usage")
        writer.object {
            $0.member("prompt_tokens", usage.promptTokens)
            $0.member("completion_tokens", usage.completionTokens)
        }
    }

    private func failed(_ failure: AttemptResult.Failure, _ reason: String, body: [UInt8] = []) -> SentAttempt {
        LLMMetrics.ended(failure == .unusableAnswer ? .unusable : .failed)
        let result = AttemptResult(
            failure: failure, error: sender.redaction(reason), body: sender.redaction(body),
            durationMicroseconds: start.microsecondsSince)
        return SentAttempt(result: detailed(result), request: request)
    }

    private func ended(_ stop: Stop) -> SentAttempt {
        switch stop {
        case .failed(let failure, let reason): return failed(failure, reason)
        case .putOff(let limit):
            LLMMetrics.ended(.putOff)
            return SentAttempt(
                result: AttemptResult(
                    failure: .invalidRequest, error: limit.reason, durationMicroseconds: start.microsecondsSince),
                request: nil, putOff: limit)
        case .refused(let response):
            LLMMetrics.ended(.failed)
            // What a service says of a wrong key may hold the key, or who it belongs to.
            let isKeyRefused = response.status == 401 || response.status == 403
            let body =
                isKeyRefused
                ? Array(#"{"error":"the language model refuses the installation's API key"}"#.utf8)
                : sender.redaction(response.body)
            let result = AttemptResult(
                statusCode: response.status, body: body,
                retryAfterSeconds: response.header("retry-after").flatMap { RetryAfter.seconds($0, now: .now()) },
                durationMicroseconds: start.microsecondsSince)
            return SentAttempt(result: detailed(result), request: request)
        }
    }
}
