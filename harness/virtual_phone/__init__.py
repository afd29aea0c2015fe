"""A phone without a phone: the device end of adb behind the real adb server, loopback only.

``VirtualPhone`` (module ``phone``) lives in this process, ``PhoneProcess`` in one of its own;
``PrivateAdbServer`` is a real adb server that knows no other phones. Not spoken: ``reverse:``,
``abb``, compression, delayed acknowledgement, TLS and pairing, framebuffer, jdwp.
"""
