# SPDX-License-Identifier: Apache-2.0
# For Linux hosts: what else is installed, and the Debian package. Settings are made by a person, from the examples.
install(CODE "set(programs \"${CMAKE_INSTALL_BINDIR}\")\nset(settings \"${CMAKE_INSTALL_SYSCONFDIR}\")")
install(SCRIPT ${CMAKE_CURRENT_LIST_DIR}/systemd/install.cmake)
install(FILES ${CMAKE_CURRENT_LIST_DIR}/systemd/relay.env ${CMAKE_CURRENT_LIST_DIR}/systemd/consumer.env
        DESTINATION ${CMAKE_INSTALL_DOCDIR}/examples)
include(${CMAKE_CURRENT_LIST_DIR}/debian/package.cmake)
