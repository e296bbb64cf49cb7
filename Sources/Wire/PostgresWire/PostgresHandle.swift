import CPostgres
import Glibc
import Logging

/// Owner of one `PGconn`. Not Sendable: it lives inside the actor of its connection and is used on that lane only.
final class PostgresHandle {
    private let pointer: OpaquePointer
    private let logger: Unmanaged<LoggerBox>

    /// Connects, which blocks for as long as the configuration allows.
    init(_ configuration: PostgresConfiguration, logger: Logger) throws(PostgresError) {
        let words = configuration.keywords
        let keys = words.map { strdup($0.0) } + [nil]
        let values = words.map { strdup($0.1) } + [nil]
        defer { (keys + values).forEach { free($0) } }
        let made = keys.map { UnsafePointer($0) }.withUnsafeBufferPointer { keys in
            values.map { UnsafePointer($0) }.withUnsafeBufferPointer { values in
                PQconnectdbParams(keys.baseAddress!, values.baseAddress!, 0)
            }
        }
        guard let made else { throw PostgresError(.connection, "out of memory") }
        guard PQstatus(made) == CONNECTION_OK else {
            let message = String(cString: PQerrorMessage(made))
            PQfinish(made)
            throw PostgresError(.connection, message)
        }
        pointer = made
        self.logger = Unmanaged.passRetained(LoggerBox(logger))
        PQsetNoticeProcessor(made, { box, message in
            guard let box, let message else { return }
            let logger = Unmanaged<LoggerBox>.fromOpaque(box).takeUnretainedValue().logger
            logger.debug("postgres.notice", metadata: ["postgres.message": "\(String(cString: message))"])
        }, self.logger.toOpaque())
    }

    deinit {
        PQfinish(pointer)
        logger.release()
    }

    /// Holds a logger at an address that libpq can keep.
    private final class LoggerBox {
        let logger: Logger
        init(_ logger: Logger) { self.logger = logger }
    }

    var isUsable: Bool { PQstatus(pointer) == CONNECTION_OK }
    var isIdle: Bool { isUsable && PQtransactionStatus(pointer) == PQTRANS_IDLE }
    var socket: Int32 { PQsocket(pointer) }

    /// Several statements in one string (simple protocol); text results are dropped.
    func execute(_ script: String) throws(PostgresError) {
        _ = try check(PQexec(pointer, script))
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

    /// Sends all calls before it reads the first answer. One synchronisation point at the end makes them one implicit
    /// transaction: the first error skips the rest and undoes all.
    func pipeline(_ calls: [(String, EncodedParameters)]) throws(PostgresError) -> [PostgresResult] {
        guard PQenterPipelineMode(pointer) == 1 else { throw lastError() }
        defer { PQexitPipelineMode(pointer) }
        for (name, parameters) in calls {
            let isSent = parameters.withPointers { count, values, lengths, formats in
                PQsendQueryPrepared(pointer, name, count, values, lengths, formats, 1)
            }
            guard isSent == 1 else { throw lastError() }
        }
        guard PQpipelineSync(pointer) == 1 else { throw lastError() }
        var results: [PostgresResult] = []
        var failure: PostgresError?
        while let answer = PQgetResult(pointer) ?? PQgetResult(pointer) {
            // Each answer is followed by a null; the one of the synchronisation point ends the pipeline.
            if PQresultStatus(answer) == PGRES_PIPELINE_SYNC {
                PQclear(answer)
                break
            }
            do throws(PostgresError) {
                results.append(try check(answer))
            } catch {
                failure = failure ?? error
            }
        }
        if let failure { throw failure }
        guard results.count == calls.count else { throw lastError() }
        return results
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

    private func check(_ answer: OpaquePointer?) throws(PostgresError) -> PostgresResult {
        guard let answer else { throw lastError() }
        let result = PostgresResult(owning: answer)
        switch result.status {
        case PGRES_COMMAND_OK, PGRES_TUPLES_OK, PGRES_EMPTY_QUERY: return result
        case PGRES_PIPELINE_ABORTED: throw PostgresError(.server, "an earlier statement of the pipeline failed")
        default:
            guard isUsable else { throw lastError() }
            throw PostgresError(
                .server, sqlState: result.field(UInt8(ascii: "C")),
                result.field(UInt8(ascii: "M")) ?? "no message")
        }
    }

    private func lastError() -> PostgresError {
        PostgresError(.connection, String(cString: PQerrorMessage(pointer)))
    }
}

/// Parameters in the form that libpq takes: one buffer, and where in it each value lies.
struct EncodedParameters {
    private var buffer: [UInt8] = []
    private var places: [Range<Int>?] = []

    init(_ parameters: [PostgresParameter]) {
        places.reserveCapacity(parameters.count)
        for parameter in parameters {
            let start = buffer.count
            let isPresent = parameter.encode(into: &buffer)
            places.append(isPresent ? start..<buffer.count : nil)
        }
    }

    func withPointers<R>(
        _ body: (
            Int32, UnsafePointer<UnsafePointer<CChar>?>?, UnsafePointer<Int32>?, UnsafePointer<Int32>?
        ) -> R
    ) -> R {
        // An empty value still needs an address: a null pointer means NULL. The extra byte gives it one.
        (buffer + [0]).withUnsafeBytes { bytes in
            let start = bytes.baseAddress!.assumingMemoryBound(to: CChar.self)
            let values = places.map { place in place.map { UnsafePointer(start + $0.lowerBound) } }
            let lengths = places.map { Int32($0?.count ?? 0) }
            let formats = [Int32](repeating: 1, count: places.count)
            return body(Int32(places.count), values, lengths, formats)
        }
    }
}
