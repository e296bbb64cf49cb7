import ArgumentParser
import ProcessorProcess

@main
struct EventProcessor: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "event-processor",
        abstract: "Evaluates triggers over the log, learns schemas, and makes deliveries.",
        discussion: "Everything is set by environment variables or .env; see .env.example.",
        version: ProcessorProcess.version)

    func run() async {
        await ProcessorProcess.run()
    }
}
