import ActionModel
import Crypto
import EventModel
import HTTPWire
import Logging
import Runtime

/// Asks the installation's language model.
///
/// Its client reaches every address, because there is one URL that it is ever used for, and the operator has chosen
/// that: nothing of an action, an event or an answer takes part in it. Redirects are not followed.
struct LLMSender: Sendable {
    let client = HTTPClient(policy: .unrestricted)
    let settings: ModelSettings
    let ledger: (any ModelLedger)?
    let logger: Logger

    /// Makes one attempt; every failure is in its result.
    @inline(never)
    func send(_ action: LLMAction, for firing: Firing) async -> SentAttempt {
        guard let baseURL = settings.baseURL else {
            return .unsendable("this installation has no language model (LLM_BASE_URL is not set)")
        }
        let event: AnswerEvent?
        do throws(EmitError) {
            event = try action.event(for: firing)
        } catch {
            return .unsendable("the answer could become no event: \(error)")
        }
        let chat: Chat
        do throws(RenderingError) {
            chat = try action.chat(for: firing, model: settings.model ?? "default")
        } catch {
            return .unsendable(error.description)
        }
        var attempt = LLMAttempt(
            sender: self, action: action, chat: chat, event: event, url: "\(baseURL)/chat/completions",
            headers: headers(for: firing), organizationID: firing.event.event.organizationID)
        return await attempt.run()
    }

    /// Takes the key out of whatever is kept: a service may well repeat what it was sent.
    var redaction: Redaction { Redaction(secrets: settings.apiKey.map { [$0] } ?? []) }

    func headers(for firing: Firing) -> [HTTPRequest.Header] {
        var headers: [HTTPRequest.Header] = [
            ("content-type", "application/json"), ("accept", "text/event-stream, application/json"),
            OutboundRequest.userAgent,
        ]
        if let key = settings.apiKey { headers.append(("authorization", "Bearer \(key)")) }
        if let traceparent = firing.event.event.traceparent { headers.append(("traceparent", traceparent)) }
        return headers
    }

    /// Equal for equal questions to the same service.
    func digest(of chat: Chat) -> [UInt8] {
        var digest = SHA256()
        digest.update(data: Array((settings.baseURL ?? "").utf8))
        digest.update(data: [0])
        digest.update(data: chat.body)
        return Array(digest.finalize())
    }
}
