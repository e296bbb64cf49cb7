import ActionModel

// Telegram takes one message a second in a chat and thirty a second from a bot; whoever sends more is made to wait for
// longer and longer. All workers together keep to both, and a delivery that would have to wait comes back later.

extension ActionSender {
    static let chatLimit = RateLimit(limit: 1, per: TimeSpan(seconds: 1))
    static let botLimit = RateLimit(limit: 30, per: TimeSpan(seconds: 1))

    /// Makes the calls that have not been made, one after the other, until one fails.
    @inline(never)
    func send(_ rendered: RenderedTelegram, _ progress: MessageProgress) async -> SentAttempt {
        let start = ContinuousClock.now
        let count = rendered.calls.count
        // The last part is made again when all have been: nobody noted that the delivery was done.
        var number = min(progress.partsSent, count - 1)
        while true {
            let isReturning = progress.isReturning || number > progress.partsSent
            if let limit = await obstacle(rendered, isReturning: isReturning) {
                return SentAttempt(
                    result: AttemptResult(
                        failure: .connection, error: limit.reason, durationMicroseconds: start.microsecondsSince),
                    request: nil, putOff: limit)
            }
            let prepared = OutboundRequest(
                rendered.calls[number], botToken: rendered.botToken, apiBase: telegramAPIBase)
            let result = await send(prepared).result
            if result.statusCode == 429, case .retry(let seconds?) = result.verdict(.telegram) {
                // For all others of the chat too: each early return makes the wait longer.
                await limiter?.hold(Self.chatLimit, rendered.chatName, Int64(min(seconds, 86_400)) * 1_000_000)
            }
            number += 1
            let excerpt = count > 1 ? "part \(number) of \(count)\n\(prepared.excerpt)" : prepared.excerpt
            let sent = SentAttempt(result: result, request: excerpt)
            guard number < count, (200..<300).contains(result.statusCode ?? 0) else { return sent }
            // A delivery that is no longer ours is somebody else's to go on with.
            guard await progress.note(number), !Task.isCancelled else { return sent }
        }
    }

    /// Waits where the wait is short.
    ///
    /// - Returns: the limit that allows no call now.
    private func obstacle(_ rendered: RenderedTelegram, isReturning: Bool) async -> ReceiverLimit? {
        guard let limiter else { return nil }
        var wait: Int64 = 0
        for (limit, receiver, whose) in [
            (Self.chatLimit, rendered.chatName, "in a chat"),
            (Self.botLimit, "telegram:\(rendered.bot)", "from a bot"),
        ] {
            switch await limiter.ask(limit, receiver, isReturning) {
            case .go(let after):
                wait = max(wait, after)
            case .comeBack(let after):
                return ReceiverLimit(
                    for: .microseconds(after), reason: "Telegram takes \(limit.limit) messages a second \(whose)")
            }
        }
        if wait > 0 { try? await Task.sleep(for: .microseconds(wait)) }
        return nil
    }
}

extension RenderedTelegram {
    fileprivate var chatName: String { "telegram:\(bot):\(chat)" }
}
