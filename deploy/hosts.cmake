# SPDX-License-Identifier: Apache-2.0
# For Linux hosts: what else is installed, and the Debian package.

# Units with the paths that this installation has; settings are made by a person, from the examples.
foreach(unit outbox-relay.service outbox-relay-consumer@.service)
    file(READ ${CMAKE_CURRENT_LIST_DIR}/systemd/${unit} text)
    string(REPLACE "/usr/bin/" "${CMAKE_INSTALL_FULL_BINDIR}/" text "${text}")
    string(REPLACE "/etc/" "${CMAKE_INSTALL_FULL_SYSCONFDIR}/" text "${text}")
    file(CONFIGURE OUTPUT systemd/${unit} CONTENT "${text}" @ONLY)
    install(FILES ${CMAKE_BINARY_DIR}/systemd/${unit} DESTINATION lib/systemd/system)
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${CMAKE_CURRENT_LIST_DIR}/systemd/${unit})
endforeach()
install(FILES ${CMAKE_CURRENT_LIST_DIR}/systemd/relay.env ${CMAKE_CURRENT_LIST_DIR}/systemd/consumer.env
        DESTINATION ${CMAKE_INSTALL_DOCDIR}/examples)
include(${CMAKE_CURRENT_LIST_DIR}/debian/package.cmake)
