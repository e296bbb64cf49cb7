import ArgumentParser
import GatewayProcess

@main
struct APIGateway: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "api-gateway",
        abstract: "Takes events over HTTP into the log, and serves the API under /api/v1.",
        discussion: "Everything is set by environment variables or .env; see .env.example.",
        version: GatewayProcess.version)

    func run() async {
        await GatewayProcess.run()
    }
}
