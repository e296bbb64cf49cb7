import ArgumentParser
import WorkersProcess

@main
struct ActionWorkers: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "action-workers",
        abstract: "Delivers what fires: webhooks and Telegram, with retries.",
        discussion: "Everything is set by environment variables or .env; see .env.example.",
        version: WorkersProcess.version)

    func run() async {
        await WorkersProcess.run()
    }
}
