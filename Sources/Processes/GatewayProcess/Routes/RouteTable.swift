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
    var declared: [(method: HTTPRequest.Method, path: String, scope: Scope?)] {
        paths.flatMap { path, routes in routes.map { ($0.method, path, $0.scope) } }
    }

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
    func register(on router: Router<GatewayContext>, authentication: Authentication) {
        for (path, routes) in paths {
            for route in routes {
                guard let scope = route.scope else {
                    router.on(RouterPath(path), method: route.method, use: route.handler)
                    continue
                }
                router.group().add(middleware: RequireScope(scope, authentication))
                    .on(RouterPath(path), method: route.method, use: route.handler)
            }
            refuseOthers(path, known: Set(routes.map(\.method)), on: router)
        }
    }

    private func refuseOthers(_ path: String, known: Set<HTTPRequest.Method>, on router: Router<GatewayContext>) {
        let known = known.contains(.get) ? known.union([.head]) : known
        let allowed = known.map(\.rawValue).sorted().joined(separator: ", ")
        let all: [HTTPRequest.Method] = [.get, .head, .post, .put, .patch, .delete, .options, .trace, .connect]
        for method in all where !known.contains(method) {
            router.on(RouterPath(path), method: method) { _, _ -> Response in
                throw Problem(
                    .methodNotAllowed, "\(method.rawValue) is not for this path; it takes \(allowed)",
                    headers: [.allow: allowed])
            }
        }
    }
}
