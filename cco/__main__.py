from cco.cli.entry import main

raise SystemExit(main())
