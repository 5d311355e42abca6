# SPDX-License-Identifier: Apache-2.0
# What `cpack` makes of a build: a Debian package (cmake --build --preset release --target package). What only a Debian
# package has is laid out by stage.cmake.
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_CONTACT "the authors of outbox-relay <outbox-relay@example.com>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "transactional outbox: publishes PostgreSQL events to AWS SNS")
set(CPACK_DEBIAN_PACKAGE_DESCRIPTION
    "A service inserts events into a table in the transaction that they tell of.\nThis program publishes each committed one to AWS SNS, at least once and in\norder where that is asked for, and marks it sent. As a consumer it receives\nfrom SQS queues and runs handlers that take effect once.")
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_RELEASE 1)
set(CPACK_DEBIAN_PACKAGE_SECTION database)
set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_DEPENDS "adduser, ca-certificates, procps")
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA
    ${CMAKE_CURRENT_LIST_DIR}/conffiles ${CMAKE_CURRENT_LIST_DIR}/postinst ${CMAKE_CURRENT_LIST_DIR}/prerm
    ${CMAKE_CURRENT_LIST_DIR}/postrm)
set(CPACK_STRIP_FILES ON)
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_PRE_BUILD_SCRIPTS ${CMAKE_CURRENT_LIST_DIR}/stage.cmake)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE
                                                WORLD_READ WORLD_EXECUTE)
include(CPack)
