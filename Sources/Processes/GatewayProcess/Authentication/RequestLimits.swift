import EventStore
import HTTPTypes
import Hummingbird
import JobQueue
import NIOCore
import Runtime

/// What kind of work a route is, as far as its rate is limited.
enum RouteClass: String, CaseIterable {
    /// Takes events.
    case ingest
    /// Reads.
    case read
    /// Changes something else.
    case write
    /// Lets people in: what is there to be guessed is tried slowly.
    case login

    private static let loginPaths = "/api/v1/auth/"

    /// - Returns: nil for routes that are open to everybody and take nothing.
    init?(_ route: DeclaredRoute) {
        let isRead = route.method == .get || route.method == .head
        if route.path.hasPrefix(Self.loginPaths), !isRead {
            self = .login
        } else if route.scope == nil, RouteDescriptions.all[route.name]?.asksForCaller != true {
            return nil
        } else {
            self = route.scope == .eventsWrite ? .ingest : isRead ? .read : .write
        }
    }
}

/// Keeps each key, and of logins each network, to the rate of each class of routes.
struct RequestLimits: Sendable {
    private let quotas: RequestQuotas
    private let limits: [RouteClass: QuotaState.Limit]
    private let metrics: GatewayMetrics
    /// Whether the fast intake has to ask.
    let isIngestLimited: Bool

    init(_ quotas: RequestQuotas, _ settings: RequestLimitSettings, _ metrics: GatewayMetrics) {
        self.quotas = quotas
        self.metrics = metrics
        let given: [(RouteClass, RateSettings?)] = [
            (.ingest, settings.ingest), (.read, settings.read), (.write, settings.write), (.login, settings.login),
        ]
        limits = Dictionary(
            uniqueKeysWithValues: given.compactMap { name, rate in
                rate.map { (name, QuotaState.Limit(count: $0.count, seconds: $0.seconds)) }
            })
        isIngestLimited = settings.ingest != nil
    }

    /// Lets a request of the fast intake through, as far as that can be told at once.
    func admits(_ key: Principal) -> Bool {
        !isIngestLimited || quotas.spend("\(RouteClass.ingest.rawValue):\(key.id)")
    }

    /// Lets a request through.
    ///
    /// - Returns: the header fields of its answer.
    /// - Throws: `rate-limited` with the time after which to come back.
    func admit(_ routeClass: RouteClass, _ context: GatewayContext) async throws -> HTTPFields {
        guard let limit = limits[routeClass] else { return [:] }
        let whose = context.caller.map { "\($0.id)" } ?? LoginGuard.network(of: context.origin.address)
        let answer = await quotas.ask("\(routeClass.rawValue):\(whose)", of: limit)
        var headers: HTTPFields = [
            .rateLimitLimit: "\(answer.limit)", .rateLimitRemaining: "\(answer.remaining)",
            .rateLimitReset: "\(Self.seconds(answer.reset))",
        ]
        guard answer.isAllowed else {
            metrics.limited(routeClass)
            let wait = Self.seconds(answer.wait)
            headers[.retryAfter] = "\(wait)"
            let detail = "more than \(answer.limit) requests have come of the class \(routeClass.rawValue)"
            throw Problem(.rateLimited, "\(detail); send again in \(wait) s", headers: headers)
        }
        return headers
    }

    /// Rounded up, so that who waits so long does not come too early.
    private static func seconds(_ microseconds: Int64) -> Int64 { (microseconds + 999_999) / 1_000_000 }
}

/// Keeps the requests of a route to the rate of its class.
struct LimitRate: RouterMiddleware {
    typealias Context = GatewayContext

    let routeClass: RouteClass
    let limits: RequestLimits

    func handle(
        _ request: Request, context: GatewayContext,
        next: @concurrent (Request, GatewayContext) async throws -> Response
    ) async throws -> Response {
        let headers = try await limits.admit(routeClass, context)
        var response = try await next(request, context)
        for field in headers { response.headers[field.name] = field.value }
        return response
    }
}

extension HTTPField.Name {
    /// IETF draft-ietf-httpapi-ratelimit-headers, in the form that most clients know.
    static let rateLimitLimit = HTTPField.Name("ratelimit-limit")!
    /// What is left.
    static let rateLimitRemaining = HTTPField.Name("ratelimit-remaining")!
    /// Seconds until all of it is there again.
    static let rateLimitReset = HTTPField.Name("ratelimit-reset")!
}
