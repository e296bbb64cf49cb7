import Runtime
import ServiceLifecycle
import Synchronization

/// Whether the gateway listens, and whether it is to stop.
///
/// Once it is, every answer is the last of its connection, so that clients that keep connections go elsewhere before
/// this one stops to listen, and no request of theirs is lost.
final class DrainState: Sendable {
    private let listening = Atomic<Bool>(false)
    private let draining = Atomic<Bool>(false)

    var isDraining: Bool { draining.load(ordering: .relaxed) }

    /// Takes note that connections are accepted.
    func listen() { listening.store(true, ordering: .relaxed) }

    func begin() { draining.store(true, ordering: .relaxed) }

    /// Takes the gateway out of the balancers' rotation.
    var check: ReadinessCheck {
        ReadinessCheck("serving") { [self] in
            if isDraining { return .failing("the gateway is stopping") }
            return listening.load(ordering: .relaxed) ? .ready() : .failing("the gateway does not listen yet")
        }
    }
}

/// The time from the signal to stop to the end of the listening. Stopped first of all services.
struct DrainWindow: Service {
    let state: DrainState
    let length: Duration

    func run() async throws {
        try? await gracefulShutdown()
        state.begin()
        try? await Task.sleep(for: length)
    }
}
