import EventStore
import HTTPTypes
import Hummingbird

/// Collects the routes and registers them together, so that every other method of a known path can be answered with
/// 405 and the methods that there are.
struct RouteTable {
    typealias Handler = @Sendable (Request, GatewayContext) async throws -> Response

    private struct Route {
        let method: HTTPRequest.Method
        let scope: Scope?
        let handler: Handler
    }

    private var paths: [(path: String, routes: [Route])] = []

    /// All routes, in the order of their paths' declaration.
    var declared: [DeclaredRoute] {
        paths.flatMap { path, routes in
            routes.map { DeclaredRoute($0.method, pattern: path, scope: $0.scope) }
        }
    }

    /// What is allowed where.
    var pathIndex: PathIndex { PathIndex(paths.map { ($0.path, Set($0.routes.map(\.method))) }) }

    /// Adds a route; without a scope it is open to everybody.
    mutating func on(
        _ method: HTTPRequest.Method, _ path: String, scope: Scope? = nil, use handler: @escaping Handler
    ) {
        let route = Route(method: method, scope: scope, handler: handler)
        if let index = paths.firstIndex(where: { $0.path == path }) {
            paths[index].routes.append(route)
        } else {
            paths.append((path, [route]))
        }
    }

    /// Registers everything; GET answers HEAD too.
    func register(on router: Router<GatewayContext>, authentication: Authentication, limits: RequestLimits) {
        for (path, routes) in paths {
            for route in routes {
                let declared = DeclaredRoute(route.method, pattern: path, scope: route.scope)
                let group = router.group()
                if route.scope != nil || RouteDescriptions.all[declared.name]?.asksForCaller == true {
                    group.add(middleware: RequireCaller(scope: route.scope, authentication: authentication))
                }
                if let routeClass = RouteClass(declared) {
                    group.add(middleware: LimitRate(routeClass: routeClass, limits: limits))
                }
                group.on(RouterPath(path), method: route.method, use: Self.accepting(route, declared))
            }
            refuseOthers(path, known: Set(routes.map(\.method)), on: router)
        }
    }

    /// The handler of a route behind the check that the client takes what it is described to answer with.
    private static func accepting(_ route: Route, _ declared: DeclaredRoute) -> Handler {
        let types = RouteDescriptions.all[declared.name]?.negotiatedTypes ?? []
        guard !types.isEmpty else { return route.handler }
        return { [handler = route.handler] request, context in
            try request.requireAccepting(types)
            return try await handler(request, context)
        }
    }

    private func refuseOthers(_ path: String, known: Set<HTTPRequest.Method>, on router: Router<GatewayContext>) {
        let allowed = PathIndex.allowed(known)
        let known = known.contains(.get) ? known.union([.head]) : known
        for method in PathIndex.usual where !known.contains(method) {
            router.on(RouterPath(path), method: method) { _, _ -> Response in
                throw Problem.refused(method, allowed: allowed)
            }
        }
    }
}
