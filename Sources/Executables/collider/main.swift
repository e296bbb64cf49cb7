import ControlProcess

await ColliderCommand.main()
