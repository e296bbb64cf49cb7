import EventModel
import Logging
import NIOHTTP2
import NIOSSL
import Runtime
import Synchronization

/// The certificate that new connections are shown.
final class CertificateStore: Sendable {
    private struct State {
        var files: CertificateFiles
        var context: NIOSSLContext
        /// What was found instead and could not be taken, so that it is told once.
        var refused: CertificateFiles?
    }

    private let settings: TransportSecurity
    private let logger: Logger
    private let state: Mutex<State>

    /// - Throws: `ConfigurationError` for files that can't be read, that others can read, or that don't fit together.
    init(_ settings: TransportSecurity, logger: Logger) throws(ConfigurationError) {
        self.settings = settings
        self.logger = logger
        let files = try CertificateFiles(settings)
        state = Mutex(State(files: files, context: try files.context()))
        note(files)
    }

    /// What the next connection is to speak TLS with.
    var context: NIOSSLContext { state.withLock { $0.context } }

    /// Takes what lies in the files now. What is not fit leaves the former in its place, and is told once.
    func reload() {
        do throws(ConfigurationError) {
            let files = try CertificateFiles(settings)
            guard state.withLock({ files != $0.files && files != $0.refused }) else { return }
            do throws(ConfigurationError) {
                let context = try files.context()
                state.withLock { $0 = State(files: files, context: context) }
                logger.info("certificate.renewed")
                note(files)
            } catch {
                state.withLock { $0.refused = files }
                warn(error)
            }
        } catch {
            warn(error)
        }
    }

    private func warn(_ error: ConfigurationError) {
        logger.warning("certificate.not-renewed", metadata: ["error": "\(error)"])
    }

    private func note(_ files: CertificateFiles) {
        let expiry = files.expiry
        logger.info("certificate.loaded", metadata: ["certificate.expires": "\(expiry.rfc3339)"])
        if expiry <= .now() { logger.warning("certificate.expired") }
    }
}
