import CPostgres
import Glibc
import Logging

/// Owner of one `PGconn`. Not Sendable: it lives inside the actor of its connection and is used on that lane only.
///
/// Every call reads libpq's error message before it returns, and none awaits, so that no other call can replace it.
final class PostgresHandle {
    let pointer: OpaquePointer
    private let notices: NoticeLog

    /// Connects, which blocks for as long as the configuration allows.
    init(_ configuration: PostgresConfiguration, logger: Logger) throws(PostgresError) {
        guard let started = Self.start(configuration.keywords) else {
            throw PostgresError(.connection, "out of memory")
        }
        // From here on `deinit` frees it, also when this initialiser throws.
        pointer = started
        notices = NoticeLog(logger)
        // Before the handshake, because the server may warn in it, and libpq would write that to standard error.
        PQsetNoticeProcessor(started, NoticeLog.receive, Unmanaged.passUnretained(notices).toOpaque())
        try finishConnecting(withinSeconds: configuration.connectTimeoutSeconds)
    }

    deinit {
        PQfinish(pointer)
    }

    /// The connection is whole, as far as anybody has noticed.
    var isUsable: Bool { PQstatus(pointer) == CONNECTION_OK }
    /// It is whole, and outside any transaction, answer or pipeline.
    var isIdle: Bool { isUsable && PQtransactionStatus(pointer) == PQTRANS_IDLE }
    var socket: Int32 { PQsocket(pointer) }

    /// Several statements in one string (simple protocol); rows are dropped.
    func execute(_ script: String) throws(PostgresError) {
        _ = try check(PQexec(pointer, script))
    }

    /// Makes the transaction durable. PostgreSQL answers `COMMIT` of a failed transaction with a quiet rollback.
    func commit() throws(PostgresError) {
        guard try check(PQexec(pointer, "COMMIT")).command == "COMMIT" else {
            throw PostgresError(
                .server, sqlState: "25P02", "a statement of the transaction had failed, so that it was undone")
        }
    }

    /// Undoes the transaction, if one is open.
    func rollback() {
        guard isUsable, !isIdle else { return }
        PQclear(PQexec(pointer, "ROLLBACK"))
    }

    func prepare(_ name: String, _ sql: String, _ types: [UInt32]) throws(PostgresError) {
        _ = try check(PQprepare(pointer, name, sql, Int32(types.count), types))
    }

    func execute(_ name: String, _ parameters: EncodedParameters) throws(PostgresError) -> PostgresResult {
        let result = parameters.withPointers { count, values, lengths, formats in
            PQexecPrepared(pointer, name, count, values, lengths, formats, 1)
        }
        return try check(result)
    }

    /// Reads what has arrived without waiting, and returns the channels of the notifications in it.
    func takeNotifications() throws(PostgresError) -> [String] {
        guard PQconsumeInput(pointer) == 1, isUsable else { throw lastError() }
        var channels: [String] = []
        while let notification = PQnotifies(pointer) {
            channels.append(String(cString: notification.pointee.relname))
            PQfreemem(notification)
        }
        return channels
    }

    /// Takes ownership of an answer.
    func check(_ answer: OpaquePointer?) throws(PostgresError) -> PostgresResult {
        guard let answer else { throw lastError() }
        let result = PostgresResult(owning: answer)
        switch result.status {
        case PGRES_COMMAND_OK, PGRES_TUPLES_OK, PGRES_EMPTY_QUERY: return result
        case PGRES_PIPELINE_ABORTED: throw PostgresError(.server, "an earlier statement of the pipeline failed")
        default:
            // After a fatal error the server hangs up, which libpq may not have noticed yet.
            let isLost = !isUsable || ["FATAL", "PANIC"].contains(result.field(Diagnosis.severity))
            throw PostgresError(
                isLost ? .connection : .server, sqlState: result.field(Diagnosis.sqlState),
                result.field(Diagnosis.message) ?? String(cString: PQerrorMessage(pointer)))
        }
    }

    func lastError() -> PostgresError {
        PostgresError(isUsable ? .server : .connection, String(cString: PQerrorMessage(pointer)))
    }
}

/// The fields of an error (`PG_DIAG_…` of `postgres_ext.h`, character macros, which Swift does not import).
private enum Diagnosis {
    static let severity = Int32(UInt8(ascii: "V"))
    static let sqlState = Int32(UInt8(ascii: "C"))
    static let message = Int32(UInt8(ascii: "M"))
}

/// Writes the server's notices to the log; its address is what libpq hands back with each.
private final class NoticeLog {
    private let logger: Logger

    init(_ logger: Logger) {
        self.logger = logger
    }

    static let receive: PQnoticeProcessor = { log, message in
        guard let log, let message else { return }
        let text = String(cString: message).split(whereSeparator: \.isNewline).joined(separator: " ")
        Unmanaged<NoticeLog>.fromOpaque(log).takeUnretainedValue().logger
            .debug("postgres.notice", metadata: ["postgres.message": "\(text)"])
    }
}
