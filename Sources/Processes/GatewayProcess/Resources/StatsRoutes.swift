import ActionModel
import EventModel
import EventStore
import HTTPTypes
import Hummingbird
import JSONTree
import Runtime

/// Statistics of events: how many were received, by time, type and source.
struct StatsRoutes: Sendable {
    let stats: StatsStore

    /// What is told of the events of a bucket.
    private enum Measure: String, CaseIterable {
        /// How many there were.
        case count
        /// How many there were a second, over the whole bucket.
        case rate
    }

    private enum Fill: String, CaseIterable {
        /// Buckets without events are left out.
        case none
        /// Each group has a point in each bucket.
        case zero
    }

    func add(to routes: inout RouteTable) {
        routes.on(.get, "/api/v1/events/stats", scope: .eventsRead, use: get)
    }

    @Sendable func get(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let query = try QueryParameters(
            request,
            knows: ["measure", "group_by", "interval", "from", "to", "type", "source", "limit", "fill"])
        let measure = try query.choice("measure", of: Measure.self) ?? .count
        let fill = try query.choice("fill", of: Fill.self) ?? .none
        let grouping = try Self.grouping(query.text("group_by"))
        let window = try Self.window(query, now: .now())
        let question = StatsQuery(
            window: window, grouping: Set(grouping), type: try query.text("type"), source: try query.text("source"),
            groupLimit: try query.text("limit") == nil ? 20 : query.limit())
        let found = try await stats.stats(question, organizationID: context.authenticated().organizationID)
        guard let found, let points = Self.points(found.points, of: question, fill: fill) else {
            throw Problem.invalidParameter(
                "interval",
                "makes more than \(StatsStore.maximumPoints) points of this time with these groups; ask for longer "
                    + "buckets, for less time, or for fewer groups (limit)")
        }
        return .json { body in
            body.member("measure", measure.rawValue)
            body.member("interval", window.interval?.description)
            body.member("from", window.from.rfc3339)
            body.member("to", window.to.rfc3339)
            body.key("group_by")
            body.array { list in for name in grouping { list.string(name.rawValue) } }
            body.key("data")
            body.array { data in
                for point in points { Self.write(point, measure, window, grouping, to: &data) }
            }
            body.member("overflow", found.overflow)
            body.member("as_of", found.asOf?.rfc3339)
            body.member("lag", found.lag)
        }
    }

    /// Names separated by commas, each once.
    private static func grouping(_ text: String?) throws -> [StatsQuery.Grouping] {
        guard let text else { return [] }
        var grouping: [StatsQuery.Grouping] = []
        for name in text.split(separator: ",", omittingEmptySubsequences: false) {
            guard let one = StatsQuery.Grouping(rawValue: String(name)), !grouping.contains(one) else {
                throw Problem.invalidParameter("group_by", "must be type, source, or both with a comma between them")
            }
            grouping.append(one)
        }
        return grouping
    }

    /// The last 24 hours, unless something else is asked for.
    private static func window(_ query: QueryParameters, now: Timestamp) throws -> StatsWindow {
        let to = try query.time("to") ?? now
        let from = try query.time("from") ?? Timestamp(microseconds: to.microseconds - 86_400_000_000)
        let interval = try query.text("interval").map { text in
            guard let interval = TimeSpan(text) else {
                throw Problem.invalidParameter("interval", "must be a duration such as 1m, 15m, 1h, 1d or 7d")
            }
            return interval
        }
        do {
            return try StatsWindow(from: from, to: to, interval: interval, now: now)
        } catch {
            throw Problem.invalidParameter(error.parameter, error.detail)
        }
    }

    /// The points as they were found, or with zeros between them; nil when those are too many.
    private static func points(
        _ found: [EventStats.Point], of question: StatsQuery, fill: Fill
    ) -> [EventStats.Point]? {
        guard fill == .zero else { return found }
        var groups: [EventStats.Group] = question.grouping.isEmpty ? [EventStats.Group(type: nil, source: nil)] : []
        var known = Set(groups)
        for point in found where known.insert(point.group).inserted { groups.append(point.group) }
        let buckets = question.window.buckets
        guard buckets.count * groups.count <= StatsStore.maximumPoints else { return nil }
        let counts = Dictionary(grouping: found, by: \.time).mapValues { points in
            Dictionary(points.map { ($0.group, $0.count) }) { $0 + $1 }
        }
        return buckets.flatMap { time in
            groups.map { EventStats.Point(time: time, group: $0, count: counts[time]?[$0] ?? 0) }
        }
    }

    private static func write(
        _ point: EventStats.Point, _ measure: Measure, _ window: StatsWindow, _ grouping: [StatsQuery.Grouping],
        to data: inout JSONWriter
    ) {
        data.object { item in
            item.member("time", point.time.rfc3339)
            item.key("group")
            item.object { group in
                for name in grouping {
                    group.member(name.rawValue, name == .type ? point.group.type : point.group.source)
                }
            }
            switch measure {
            case .count: item.member("value", point.count)
            case .rate: item.member("value", Double(point.count) / Double(window.bucketSeconds))
            }
        }
    }
}
