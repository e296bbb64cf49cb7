import ArgumentParser
import ControlProcess

@main
struct Collider {
    static func main() async {
        await ColliderCommand.main()
    }
}
