public import EventModel
public import FrameModel
import HTTPWire
public import Logging
public import Runtime
public import ServiceLifecycle
import TextModel

// HOW NOTHING WAITS. `embed` looks its texts up in the cache, puts those that are missing on a stack, and waits for
// them no longer than `patience`: a bound for the whole batch. What has come by then is used, and the lexical embedder
// steps in for the rest. What comes later is cached, for the next event with the same text. Where answers take so long
// that waiting would be in vain, which the last ones tell, and while the gate is open because requests failed, nothing
// is waited for at all. The newest texts are asked for first; when the stack is full, the oldest go.

/// Embeds events by an OpenAI-compatible endpoint: batched, concurrent, retried, cached by content, and never waited
/// for longer than a bound.
///
/// Its client reaches every address, because the operator has chosen the one URL that it is used with; redirects are
/// not followed, so that it gets to no other.
public actor EndpointEmbedder: Embedder, Service {
    /// Times and bounds.
    public struct Limits: Sendable {
        /// The longest that a call of ``EndpointEmbedder/embed(_:)`` waits.
        public var patience = Duration.milliseconds(250)
        /// The longest text that is sent, in bytes.
        public var textBytes = 2_048
        /// Texts of a request.
        public var batch = 64
        /// Requests under way.
        public var concurrency = 4
        /// Texts that are cached.
        public var cached = 8_192
        /// Texts that wait.
        public var waiting = 2_048
        /// How long a request may take.
        public var timeout = Duration.seconds(10)
        /// Tries of a request, the first included.
        public var attempts = 3
        /// For how long nothing is asked after a request has failed for good, at first and at most.
        public var pauses = (first: Duration.seconds(5), longest: Duration.seconds(300))
        /// Between two tries of a request, at first.
        public var retryPause = Duration.milliseconds(200)

        /// The limits of a writer.
        public init() {}
    }

    private struct Waiter {
        var missing: Int
        var continuation: CheckedContinuation<Void, Never>?
    }

    private let endpoint: EndpointProtocol
    private let client: HTTPClient
    private let limits: Limits
    private let logger: Logger
    private let lexical = LexicalEmbedder()
    private let arrivals: AsyncStream<Void>
    private let arrival: AsyncStream<Void>.Continuation
    private var cache: VectorCache
    private var gate: EndpointGate
    /// The last is asked for next.
    private var stack: [EmbeddedText] = []
    /// Those on the stack and those with the endpoint, each with who waits for it.
    private var asked: [EmbeddedText: [Int]] = [:]
    private var waiters: [Int: Waiter] = [:]
    private var lastTicket = 0
    private var underWay = 0
    private var dimensions: Int?

    /// Makes an embedder; `run` sends its requests.
    ///
    /// - Throws: `ConfigurationError` without a model.
    public init?(_ settings: ModelSettings, limits: Limits = Limits(), logger: Logger) throws(ConfigurationError) {
        guard let base = settings.baseURL else { return nil }
        guard let model = settings.model else {
            throw ConfigurationError(key: "EMBEDDING_MODEL", message: "is required beside EMBEDDING_BASE_URL")
        }
        endpoint = EndpointProtocol(
            url: base + "/embeddings", apiKey: settings.apiKey, model: model, timeout: limits.timeout)
        client = HTTPClient(policy: .unrestricted)
        self.limits = limits
        self.logger = logger
        cache = VectorCache(limit: limits.cached)
        gate = EndpointGate(first: limits.pauses.first, longest: limits.pauses.longest)
        (arrivals, arrival) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    /// Sends what is asked for until graceful shutdown.
    public func run() async throws {
        await withDiscardingTaskGroup { group in
            for await _ in arrivals.cancelOnGracefulShutdown() {
                while let batch = takeBatch() { group.addTask { await self.ask(for: batch) } }
            }
            group.cancelAll()
        }
        client.close()
        // Whoever still waits need not.
        for text in asked.keys { settle(text) }
    }

    /// One embedding for each event, in order, within ``Limits/patience``.
    public func embed(_ events: [ParsedEvent]) async -> [Embedding] {
        let texts = events.map { EmbeddedText(bytes: EventText.lines(of: $0, upTo: limits.textBytes)) }
        let known = texts.count { if case .vector? = cache.find($0) { true } else { false } }
        if known < texts.count, let ticket = askFor(texts) { await wait(for: ticket) }
        var standIns = 0
        let embeddings = zip(events, texts).map { event, text in
            if case .vector(let values)? = cache.find(text) { return Embedding(values, origin: .model) }
            standIns += 1
            return Embedding(lexical.vector(of: event), origin: .standIn)
        }
        EmbeddingMetrics.embedded(.cache, known)
        EmbeddingMetrics.embedded(.standin, standIns)
        EmbeddingMetrics.embedded(.model, max(0, texts.count - known - standIns))
        return embeddings
    }
}

// MARK: - Asking and waiting

extension EndpointEmbedder {
    /// Puts what is not known on the stack; a ticket to wait with, or nil where waiting would be in vain.
    private func askFor(_ texts: [EmbeddedText]) -> Int? {
        guard gate.room(of: limits.concurrency, at: .now) > 0 else { return nil }
        var missing: Set<EmbeddedText> = []
        // From the last to the first, so that the first is on top.
        for text in texts.reversed() where cache.find(text) == nil && missing.insert(text).inserted {
            guard asked[text] == nil else { continue }
            asked[text] = []
            stack.append(text)
        }
        while stack.count > limits.waiting { settle(stack.removeFirst()) }
        arrival.yield()
        EmbeddingMetrics.waiting(asked.count)
        let open = missing.filter { asked[$0] != nil }
        guard !open.isEmpty, isWorthWaiting(for: open.count) else { return nil }
        lastTicket += 1
        for text in open { asked[text]?.append(lastTicket) }
        waiters[lastTicket] = Waiter(missing: open.count)
        return lastTicket
    }

    private func isWorthWaiting(for texts: Int) -> Bool {
        guard !gate.isOpen else { return false }
        guard let latency = gate.latency else { return true }
        let requests = (texts + limits.batch - 1) / limits.batch
        return latency * ((requests + limits.concurrency - 1) / limits.concurrency) <= limits.patience
    }

    private func wait(for ticket: Int) async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { [patience = limits.patience] in
                // Woken early when all has come, and the ticket is gone, or when the caller is cancelled.
                try? await Task.sleep(for: patience)
                await self.giveUp(ticket)
            }
            await settled(ticket)
            group.cancelAll()
        }
    }

    private func settled(_ ticket: Int) async {
        guard waiters[ticket] != nil else { return }
        await withCheckedContinuation { waiters[ticket]?.continuation = $0 }
    }

    private func giveUp(_ ticket: Int) {
        guard let waiter = waiters.removeValue(forKey: ticket) else { return }
        gate.waited(limits.patience)
        waiter.continuation?.resume()
    }

    /// Ends the waiting for a text, whatever has come of it.
    private func settle(_ text: EmbeddedText) {
        for ticket in asked.removeValue(forKey: text) ?? [] {
            guard var waiter = waiters[ticket] else { continue }
            waiter.missing -= 1
            waiters[ticket] = waiter.missing > 0 ? waiter : nil
            if waiter.missing == 0 { waiter.continuation?.resume() }
        }
    }
}

// MARK: - Requests

extension EndpointEmbedder {
    /// The texts of the next request; nil when there are none, or no more may be under way.
    private func takeBatch() -> [EmbeddedText]? {
        guard !stack.isEmpty, underWay < gate.room(of: limits.concurrency, at: .now) else { return nil }
        underWay += 1
        let batch = Array(stack.suffix(limits.batch).reversed())
        stack.removeLast(batch.count)
        return batch
    }

    private func ask(for batch: [EmbeddedText]) async {
        var rest = [batch[...]]
        // A batch that is refused is halved until the text is found that is to blame.
        while !isGivenUp, let texts = rest.popLast() {
            let isBlamed = await ask(for: texts)
            guard isBlamed else { continue }
            let middle = texts.startIndex + texts.count / 2
            rest += [texts[middle...], texts[..<middle]]
        }
        for text in batch where asked[text] != nil { settle(text) }
        underWay -= 1
        EmbeddingMetrics.waiting(asked.count)
        arrival.yield()
    }

    /// Sends texts until there is an answer or no hope; true when they were refused and may be taken one by one.
    private func ask(for texts: ArraySlice<EmbeddedText>) async -> Bool {
        var backoff = Backoff(initial: limits.retryPause, maximum: .seconds(2))
        for attempt in 1...limits.attempts {
            let start = ContinuousClock.now
            let wanted = dimensions
            switch await send(texts, dimensions: wanted) {
            case .vectors(let vectors):
                take(vectors, for: texts, after: ContinuousClock.now - start)
                return false
            case .tooLong(let count):
                guard wanted == nil else {
                    fail("the vectors have \(count) values, and \(Frame.dimensions) were asked for")
                    return false
                }
                dimensions = Frame.dimensions
            case .refused(let status):
                EmbeddingMetrics.asked(.refused)
                guard texts.count == 1 else { return true }
                if gate.refused() {
                    fail("status \(status) for every text")
                } else {
                    texts.forEach { cache.put(.refused, for: $0) }
                }
                return false
            case .denied(let status):
                fail("status \(status)")
                return false
            case .busy(let status, let seconds):
                guard attempt < limits.attempts else {
                    fail("status \(status)")
                    return false
                }
                try? await Task.sleep(for: max(backoff.next(), .seconds(min(5, max(0, seconds ?? 0)))))
            case .malformed(let detail):
                guard attempt < limits.attempts else {
                    fail(detail)
                    return false
                }
                try? await Task.sleep(for: backoff.next())
            }
            guard !Task.isCancelled, !isGivenUp else { return false }
        }
        return false
    }

    /// Whether another request has failed for good while this one was tried again.
    private var isGivenUp: Bool { gate.room(of: 1, at: .now) == 0 }

    /// Not on the actor: who asks for what is cached need not wait while an answer of a megabyte is read.
    @concurrent private nonisolated func send(
        _ texts: ArraySlice<EmbeddedText>, dimensions: Int?
    ) async -> EndpointProtocol.Answer {
        do throws(HTTPError) {
            return endpoint.answer(
                try await client.send(endpoint.request(texts, dimensions: dimensions)), to: texts.count)
        } catch {
            return .malformed("\(error)")
        }
    }

    private func take(_ vectors: [[Float]?], for texts: ArraySlice<EmbeddedText>, after duration: Duration) {
        EmbeddingMetrics.answered(after: duration)
        if gate.answered(after: duration) { logger.info("embedding.back") }
        for (text, vector) in zip(texts, vectors) {
            cache.put(vector.map { .vector($0) } ?? .refused, for: text)
            settle(text)
        }
    }

    /// Asks no more for a while; what waits is not waited for.
    private func fail(_ reason: String) {
        EmbeddingMetrics.asked(.failed)
        if gate.fail(at: .now) { logger.warning("embedding.away", metadata: ["error": "\(reason)"]) }
        let dropped = stack
        stack = []
        dropped.forEach { settle($0) }
    }
}
