import CPostgres

extension PostgresHandle {
    /// Sends all calls before it reads the first answer. One synchronisation point at the end makes them one implicit
    /// transaction: the first error skips the rest and undoes all.
    ///
    /// Where both sides' buffers are full, libpq reads while it waits to write, so that large answers block nobody.
    func pipeline(_ calls: [(String, EncodedParameters)]) throws(PostgresError) -> [PostgresResult] {
        guard PQenterPipelineMode(pointer) == 1 else { throw lastError() }
        var failure: PostgresError?
        for (name, parameters) in calls {
            let isSent = parameters.withPointers { count, values, lengths, formats in
                PQsendQueryPrepared(pointer, name, count, values, lengths, formats, 1)
            }
            guard isSent == 1 else {
                failure = lastError()
                break
            }
        }
        // Also after a failure, because what was sent before it must be answered before the connection is whole again.
        guard PQpipelineSync(pointer) == 1 else { throw failure ?? lastError() }
        let results = collect(&failure)
        guard PQexitPipelineMode(pointer) == 1 else { throw failure ?? lastError() }
        if let failure { throw failure }
        guard results.count == calls.count else { throw lastError() }
        return results
    }

    private func collect(_ failure: inout PostgresError?) -> [PostgresResult] {
        var results: [PostgresResult] = []
        // Each answer is followed by a null; two in a row mean that the connection is gone.
        while let answer = PQgetResult(pointer) ?? PQgetResult(pointer) {
            guard PQresultStatus(answer) != PGRES_PIPELINE_SYNC else {
                PQclear(answer)
                break
            }
            do throws(PostgresError) {
                results.append(try check(answer))
            } catch {
                failure = failure ?? error
            }
        }
        return results
    }
}
