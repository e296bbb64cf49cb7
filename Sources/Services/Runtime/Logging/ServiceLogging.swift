import Logging

/// Sets up swift-log for a process.
public enum ServiceLogging {
    /// Sends every logger's lines to standard error in the configured shape and level.
    ///
    /// To be called once, before the first logger is made; swift-log stops the process at a second call.
    ///
    /// - Returns: The process's own logger, labelled with the service's name.
    @discardableResult
    public static func bootstrap(_ configuration: ColliderConfiguration, service: String) -> Logger {
        let level = configuration.logLevel
        let format = configuration.logFormat
        LoggingSystem.bootstrap { label in
            StandardErrorLogHandler(label: label, service: service, format: format, level: level)
        }
        return Logger(label: service)
    }
}
