from watchlist_cli.main import main

main()
