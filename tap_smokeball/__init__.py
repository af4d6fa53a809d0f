"""Singer tap for Smokeball: a law firm's matters, time and money, complete and resumable."""
