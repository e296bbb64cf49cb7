import Logging
import ServiceLifecycle
import UnixSignals

/// Looks for a renewed certificate: now and then, and at once when told by SIGHUP.
struct CertificateRenewal: Service {
    let store: CertificateStore
    let interval: Duration

    func run() async throws {
        let signals = await UnixSignalsSequence(trapping: .sighup)
        try? await cancelWhenGracefulShutdown {
            try await withThrowingTaskGroup(of: Void.self) { tasks in
                tasks.addTask {
                    for await _ in signals { store.reload() }
                }
                tasks.addTask {
                    while true {
                        try await Task.sleep(for: interval)
                        store.reload()
                    }
                }
                try await tasks.waitForAll()
            }
        }
    }
}
