"""What a virtual phone says in the language of adb."""
