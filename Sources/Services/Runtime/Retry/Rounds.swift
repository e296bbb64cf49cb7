import ServiceLifecycle

/// Does one round of work after another until the graceful shutdown, which ends a rest and no round.
///
/// - Parameters:
///   - onError: told what a round threw; the rests after failures in a row grow from half a second to half a minute.
///   - round: returns how long to rest then.
public func repeatUntilShutdown(
    onError: (any Error) -> Void, _ round: () async throws -> Duration
) async {
    var backoff = Backoff(initial: .milliseconds(500), maximum: .seconds(30))
    while !Task.isShuttingDownGracefully, !Task.isCancelled {
        let rest: Duration
        do {
            rest = try await round()
            backoff.reset()
        } catch {
            guard !Task.isCancelled else { return }
            rest = backoff.next()
            onError(error)
        }
        if rest > .zero { await cancelWhenGracefulShutdown { try? await Task.sleep(for: rest) } }
    }
}
